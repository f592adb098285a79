"""What was spent under each budget and may still be: sums from the ledger and of this engine, grants and passes.

The ledger is asked once for the sum of each session, project, day and month, when somebody wants to know it; what
ends from then on is added. What this engine added before is taken off the ledger's sum, not told from it by time, so
a clock that was set changes nothing. Amounts set at run time, grants and sessions that pass are kept in a file. What
follows from the sums is decided in ``protocol.budget``.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec

from proxy import contract as c
from proxy.keptfile import KeptFile
from proxy.ledger.queries import LedgerReader
from proxy.protocol.budget import Amounts, Scope, Verdict, crossed, judge, scopes, warning
from proxy.repricing import Repriced
from proxy.settings import BudgetSettings
from proxy.workers import for_traffic

KEPT_MAX = 200
"""Sessions with grants or passes that are remembered; the oldest fall off."""


class _Kept(msgspec.Struct, omit_defaults=True):
    amounts: dict[str, int | None] = {}
    """Set at run time, by ``kind`` or ``project:NAME``; None: no limit."""
    grants: dict[str, int] = {}
    """By ``kind:name``."""
    passing: list[str] = []


ASKED_TIMES = 5
"""A sum is asked for again where requests ended meanwhile. After so many times some of those may count twice."""

Sum = tuple[int, int]
"""Nano-dollars, and requests without a price."""
NOTHING: Sum = (0, 0)


class Budgets:
    """The budgets of one engine. On the event loop, but for what the ledger is asked."""

    def __init__(
        self,
        file: Path,
        settings: BudgetSettings,
        ledger: LedgerReader,
        flush: Callable[[], bool],
        clock: Callable[[], float],
        warn: Callable[[str], None],
    ) -> None:
        """``flush`` waits until the ledger has all that ended and says whether it has; ``clock`` tells Unix seconds;
        ``warn`` takes a sentence for the user."""
        self._file, self._settings, self._ledger = KeptFile(file, "budgets"), settings, ledger
        self._flush, self._clock, self._warn = flush, clock, warn
        self._kept = self._file.content(_Kept)
        self._own: dict[Scope, Sum] = {}
        """What ended in this engine."""
        self._others: dict[Scope, Sum] = {}
        """What the ledger has beside it, as far as it was asked."""
        self._running: dict[str, tuple[tuple[Scope, ...], int]] = {}
        """Estimates of requests in flight, by request."""
        self._ending = asyncio.Event()
        self.amounts = self._compose()

    @property
    def idle(self) -> bool:
        """No budget is set."""
        amounts = self.amounts
        general = (amounts.session, amounts.project, amounts.day, amounts.month, *amounts.projects.values())
        return all(each is None for each in general)

    def passing(self, session: str | None) -> bool:
        return session is not None and session in self._kept.passing

    @property
    def passing_sessions(self) -> tuple[str, ...]:
        return tuple(self._kept.passing)

    def scopes(self, session: str | None, project: str | None, moment: float | None = None) -> tuple[Scope, ...]:
        """What a request of ``moment`` (now, if not given) falls under."""
        return scopes(session, project, c.local_day(self._clock() if moment is None else moment).isoformat())

    def today(self) -> Scope:
        return Scope("day", c.local_day(self._clock()).isoformat())

    async def know(self, wanted: Sequence[Scope], *, unlimited: bool = False) -> None:
        """Ask the ledger for the sums that are not known yet, of what has no limit too where it is so told."""
        for scope in wanted:
            if scope not in self._others and (unlimited or self.limit(scope) is not None):
                self._others[scope] = await self._learned(scope)

    async def ask_again(self) -> None:
        """The ledger changed, not by requests that ended: ask it anew for all that is known."""
        for scope in tuple(self._others):
            learned = await self._learned(scope)
            before, _ = self._sum(scope)
            self._others[scope] = learned
            self._tell(scope, before)

    async def forget_all_but(self, wanted: Collection[Scope]) -> None:
        """What is neither ``wanted`` nor in flight nor of yesterday is left to the ledger, until somebody wants to know
        it again."""
        in_flight = (scope for under, _ in self._running.values() for scope in under)
        yesterday = c.local_day(self._clock()) - timedelta(days=1)
        kept = {*wanted, *in_flight, *scopes(None, None, yesterday.isoformat())}
        past = {scope: own for scope, own in self._own.items() if scope not in kept}
        if past and not await for_traffic(self._flush):
            return
        self._own = {scope: own for scope, own in self._own.items() if past.get(scope) != own}
        self._others = {scope: sum_ for scope, sum_ in self._others.items() if scope in kept or scope in self._own}

    def limit(self, scope: Scope) -> int | None:
        amount = self.amounts.of(scope)
        return None if amount is None else amount + self._kept.grants.get(_key(scope), 0)

    def view(self, scope: Scope) -> c.Budget:
        spent, unpriced = self._sum(scope)
        return c.Budget(
            kind=scope.kind,
            name=scope.name,
            limit_nano_usd=self.limit(scope),
            granted_nano_usd=self._kept.grants.get(_key(scope), 0),
            spent_nano_usd=spent,
            in_flight_nano_usd=sum(nano for under, nano in self._running.values() if scope in under),
            unpriced_requests=unpriced,
        )

    def known(self, scope: Scope) -> bool:
        """The whole sum of ``scope`` is known."""
        return scope in self._others

    def judge(self, under: Sequence[Scope]) -> tuple[Verdict, c.Budget | None]:
        return judge(self.view(scope) for scope in under)

    def reserve(self, request_id: str, under: tuple[Scope, ...], nano_usd: int) -> None:
        """A request goes out to a target that costs something: until it ended its estimate counts."""
        self._running[request_id] = (under, nano_usd)

    def holds(self, request_id: str) -> bool:
        """The request went out within its budgets."""
        return request_id in self._running

    def release(self, request_id: str) -> None:
        """A request costs nothing more: its estimate does not count any longer."""
        if self._running.pop(request_id, None) is not None:
            self._wake()

    async def one_ended(self) -> None:
        """Wait until a request ended or a budget grew."""
        await self._ending.wait()

    def ended(self, request: c.Request) -> None:
        """A request ended: its real cost takes the place of its estimate."""
        if request.kind == "messages" and self.counts(simulated=request.simulated, subscription=request.subscription):
            for scope in self.scopes(request.session_id, request.project, request.started_at):
                self._add(scope, request.cost_nano_usd)
        self.release(request.id)

    def repriced(self, changed: Sequence[Repriced]) -> None:
        """Requests got other costs. ``ask_again`` follows: then the sums are the ledger's, whoever served them."""
        for one in changed:
            was, grown = one.was, one.difference
            if not self.counts(simulated=bool(was.simulated), subscription=bool(was.subscription)):
                continue
            more = grown.cost_nano_usd + grown.simulated_nano_usd
            for scope in self.scopes(was.session_id, was.project, was.started_at):
                if scope in self._own or scope in self._others:
                    self._own[scope] = _plus(self._own.get(scope, NOTHING), (more, grown.unpriced_requests))

    def counts(self, *, simulated: bool, subscription: bool) -> bool:
        """Whether money of that kind counts."""
        kept = self._settings
        return (kept.count_simulated or not simulated) and (kept.count_subscription or not subscription)

    def set(self, kind: c.BudgetKind, project: str | None, nano_usd: int | None) -> None:
        self._kept.amounts[f"project:{project}" if project else kind] = nano_usd
        self._changed()

    def forget(self, kind: c.BudgetKind, project: str | None) -> None:
        """The settings count again."""
        self._kept.amounts.pop(f"project:{project}" if project else kind, None)
        self._changed()

    def grant(self, scope: Scope, nano_usd: int) -> None:
        self._kept.grants[_key(scope)] = self._kept.grants.pop(_key(scope), 0) + nano_usd
        self._changed()

    def let_pass(self, session: str, *, passing: bool) -> None:
        others = [each for each in self._kept.passing if each != session]
        self._kept.passing = [*others, session] if passing else others
        self._changed()

    def _add(self, scope: Scope, cost_nano_usd: int | None) -> None:
        limited = self.limit(scope) is not None
        before = self._sum(scope)[0] if limited else 0
        self._own[scope] = _plus(self._own.get(scope, NOTHING), (cost_nano_usd or 0, int(cost_nano_usd is None)))
        if limited:
            self._tell(scope, before)

    def _tell(self, scope: Scope, before_nano_usd: int) -> None:
        """Warn where the sum of ``scope`` went over a threshold since it was ``before_nano_usd``."""
        passed = crossed(self.limit(scope), before_nano_usd, self._sum(scope)[0])
        if passed is not None:
            self._warn(warning(self.view(scope), passed, self._consequence()))

    def _sum(self, scope: Scope) -> Sum:
        return _plus(self._others.get(scope, NOTHING), self._own.get(scope, NOTHING))

    def _consequence(self) -> str:
        match self._settings.action:
            case "block":
                return "Requests are refused until more is granted: cctui budget grant"
            case "downgrade":
                return f"Requests go to {self._settings.downgrade_to} until more is granted: cctui budget grant"
            case "warn":
                return "Requests go on"

    async def _learned(self, scope: Scope) -> Sum:
        """What the ledger has of ``scope`` beside what ended in this engine."""
        own, told = NOTHING, NOTHING
        for _ in range(ASKED_TIMES):
            own = self._own.get(scope, NOTHING)
            told = await for_traffic(self._ask_ledger, scope, own != NOTHING)
            if self._own.get(scope, NOTHING) == own:
                break
        return max(0, told[0] - own[0]), max(0, told[1] - own[1])

    def _ask_ledger(self, scope: Scope, flushed: bool) -> Sum:
        """The whole sum of ``scope``; ``flushed``: with all that ended before. Blocks."""
        if flushed:
            self._flush()
        where = (scope.kind, scope.name) if scope.kind in ("session", "project") else None
        kept = self._settings
        return self._ledger.spent(
            *_span(scope), where=where, simulated=kept.count_simulated, subscription=kept.count_subscription
        )

    def _compose(self) -> Amounts:
        settings, chosen = self._settings, self._kept.amounts
        own = settings.project_usd if isinstance(settings.project_usd, dict) else {}
        each = None if isinstance(settings.project_usd, dict) else settings.project_usd
        set_projects = {key.removeprefix("project:"): value for key, value in chosen.items() if ":" in key}
        return Amounts(
            session=chosen.get("session", _nano(settings.session_usd)),
            project=chosen.get("project", _nano(each)),
            day=chosen.get("day", _nano(settings.day_usd)),
            month=chosen.get("month", _nano(settings.month_usd)),
            projects={name: _nano(amount) for name, amount in own.items()} | set_projects,
        )

    def _changed(self) -> None:
        kept = self._kept
        kept.grants, kept.passing = self._still_of_use(kept.grants), kept.passing[-KEPT_MAX:]
        self.amounts = self._compose()
        self._wake()

    async def save(self) -> None:
        """Keep what was set, granted and let pass, which is in force already."""
        await self._file.keep(msgspec.json.encode(self._kept))

    def _still_of_use(self, grants: Mapping[str, int]) -> dict[str, int]:
        """Grants without those of past days and months, and of sessions and projects only the newest."""
        timed = {_key(scope) for scope in self.scopes(None, None)}
        kept = {key: nano for key, nano in grants.items() if key in timed or key.startswith(("session:", "project:"))}
        return dict(list(kept.items())[-KEPT_MAX:])

    def _wake(self) -> None:
        """Let all who wait look again."""
        self._ending.set()
        self._ending = asyncio.Event()


def _key(scope: Scope) -> str:
    return f"{scope.kind}:{scope.name}"


def _span(scope: Scope) -> tuple[float, float]:
    """From when to before when it counts, Unix seconds."""
    match scope.kind:
        case "session" | "project":
            return 0.0, float("inf")
        case "day":
            day = date.fromisoformat(scope.name)
            return c.midnight(day), c.midnight(day + timedelta(days=1))
        case "month":
            first = date.fromisoformat(f"{scope.name}-01")
            return c.midnight(first), c.midnight((first + timedelta(days=32)).replace(day=1))


def _plus(one: Sum, other: Sum) -> Sum:
    return one[0] + other[0], one[1] + other[1]


def _nano(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 10**9)
