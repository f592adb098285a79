"""Tells panels, once, what the user should read: traffic that leaves a provider and returns, limits that come near."""

import time
from collections.abc import Callable, Sequence
from typing import Literal

from proxy import contract as c
from proxy.protocol.detours import Detours

NEAR_LIMIT = 0.9
"""Share of a plan's window from which on the user is warned."""
PLAN_WINDOWS = ("5h", "week")
"""Limits of a plan are worth a warning; those of a minute come and go."""


class Herald:
    """Posts notices."""

    def __init__(self, post: Callable[[c.Notice], None]) -> None:
        self._post = post
        self._detours = Detours()
        self._warned: set[tuple[str, str, float | None]] = set()

    def say(self, level: Literal["info", "warning", "error"], text: str) -> None:
        self._post(c.Notice(at=time.time(), level=level, text=text))

    def served(self, request: c.Request) -> None:
        """Say once when traffic leaves a provider, and once when it is back."""
        if request.kind != "messages" or request.outcome != "served" or not request.attempts:
            return
        if (news := self._detours.heard(request)) is not None:
            self.say(news.level, news.text)

    def limits(self, provider: str, limits: Sequence[c.Limit]) -> None:
        """Say once for each window of a plan that its limit is near: the ruling one, or any where none rules."""
        for limit in [each for each in limits if each.rules] or limits:
            warned = (provider, limit.name, limit.resets_at)
            if limit.used < NEAR_LIMIT or warned in self._warned or not limit.name.startswith(PLAN_WINDOWS):
                continue
            self._warned.add(warned)
            reset = time.strftime(", resets %a %H:%M", time.localtime(limit.resets_at)) if limit.resets_at else ""
            self.say("warning", f"{provider}: {limit.used:.0%} of the {limit.name} limit is used{reset}")
