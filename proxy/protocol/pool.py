"""Which of a provider's keys a session uses: the same one as before, so that the provider's cache keeps working.

A session moves only when its key is limited or was refused; then, and when it is new, it takes the key whose
last limit lies longest back, and among equals the one with the fewest sessions.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

SESSIONS_KEPT = 500


class KeyPool:
    """The keys of one provider by number, and who uses which."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._used_by: OrderedDict[str, int] = OrderedDict()
        self._limited_at: dict[int, float] = {}

    def choose(self, session: str, admits: Callable[[int], bool], tried: Sequence[int] = ()) -> int | None:
        """The key for ``session`` among those that ``admits`` allows and that were not ``tried``, if there is one."""
        known = self._used_by.get(session)
        if known is not None and known not in tried and admits(known):
            self._used_by.move_to_end(session)
            return known
        usable = [number for number in range(self.size) if number not in tried and admits(number)]
        if not usable:
            return None
        busy = Counter(self._used_by.values())
        current = min(usable, key=lambda number: (self._limited_at.get(number, 0.0), busy[number], number))
        self._used_by[session] = current
        self._used_by.move_to_end(session)
        while len(self._used_by) > SESSIONS_KEPT:
            self._used_by.popitem(last=False)
        return current

    def limited(self, number: int, now: float) -> None:
        """The key met a limit or was refused."""
        self._limited_at[number] = now
