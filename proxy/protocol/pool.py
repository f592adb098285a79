"""Which of a provider's keys a session uses: the same one as before, so that the provider's cache keeps working.

A session moves only when its key is limited or was refused; then, and when it is new, it takes the key whose
last limit lies longest back, and among equals the one that its name draws it to: also after a restart the same.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from proxy.protocol.rendezvous import draw

SESSIONS_KEPT = 500


class KeyPool:
    """The keys of one provider by number, and who uses which."""

    def __init__(self, names: Sequence[str]) -> None:
        """``names`` tell the keys apart, whatever their order."""
        self.names = tuple(names)
        self._used_by: OrderedDict[str, int] = OrderedDict()
        self._limited: dict[int, int] = {}

    def choose(self, session: str, admits: Callable[[int], bool], tried: Sequence[int] = ()) -> int | None:
        """The key for ``session`` among those that ``admits`` allows and that were not ``tried``, if there is one."""
        known = self._used_by.get(session)
        if known is not None and known not in tried and admits(known):
            self._used_by.move_to_end(session)
            return known
        usable = [number for number in range(len(self.names)) if number not in tried and admits(number)]
        if not usable:
            return None
        current = min(usable, key=lambda number: (self._limited.get(number, -1), draw(session, self.names[number])))
        self._used_by[session] = current
        self._used_by.move_to_end(session)
        while len(self._used_by) > SESSIONS_KEPT:
            self._used_by.popitem(last=False)
        return current

    def limited(self, number: int, after: int) -> None:
        """The key met a limit or was refused; ``after`` grows from one time to the next."""
        self._limited[number] = after
