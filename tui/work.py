"""Work beside a screen: what the engine is asked for while the user goes on."""

from collections.abc import Callable, Coroutine

from textual.dom import DOMNode
from textual.worker import Worker


def begin(
    node: DOMNode, work: Callable[[], Coroutine[None, None, None]], group: str, *, exclusive: bool = True
) -> None:
    """Run ``work`` as a worker of ``node``, in place of the last one of its ``group`` if it is ``exclusive``.

    The coroutine is made when the worker begins: one that is cancelled before leaves none behind that nobody awaits.
    """
    _: Worker[None] = node.run_worker(work, name=group, group=group, exclusive=exclusive)
