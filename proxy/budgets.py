"""What was spent under each budget and may still be: sums from the ledger and of this engine, grants and passes.

The sums of earlier engines come from the ledger, once for each session, project, day and month, and only where a
budget asks for them; what began since this engine started is added as it ends. The two never overlap, so a late write
of the ledger changes nothing. Amounts set at run time, grants and sessions that pass are kept in a file. What
follows from the sums is decided in ``protocol.budget``.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date
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


Sum = tuple[int, int]
"""Nano-dollars, and requests without a price."""


class Budgets:
    """The budgets of one engine. On the event loop, but for what the ledger is asked."""

    def __init__(
        self,
        file: Path,
        settings: BudgetSettings,
        ledger: LedgerReader,
        clock: Callable[[], float],
        warn: Callable[[str], None],
    ) -> None:
        """``clock`` tells Unix seconds; ``warn`` takes a sentence for the user."""
        self._file, self._settings, self._ledger = KeptFile(file, "budgets"), settings, ledger
        self._clock, self._warn = clock, warn
        self._born = clock()
        self._kept = _load(self._file)
        self._before: dict[Scope, Sum] = {}
        self._since: dict[Scope, Sum] = {}
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

    def scopes(self, session: str | None, project: str | None, moment: float | None = None) -> tuple[Scope, ...]:
        """What a request of ``moment`` (now, if not given) falls under."""
        return scopes(session, project, c.local_day(self._clock() if moment is None else moment).isoformat())

    def today(self) -> Scope:
        return Scope("day", c.local_day(self._clock()).isoformat())

    async def know(self, wanted: Sequence[Scope]) -> None:
        """Ask the ledger for the sums of earlier engines that are not known yet."""
        for scope in wanted:
            if scope not in self._before and self.limit(scope) is not None:
                self._before[scope] = await for_traffic(self._ask_ledger, scope)

    def limit(self, scope: Scope) -> int | None:
        amount = self.amounts.of(scope)
        return None if amount is None else amount + self._kept.grants.get(_key(scope), 0)

    def view(self, scope: Scope) -> c.Budget:
        before, since = self._before.get(scope, (0, 0)), self._since.get(scope, (0, 0))
        return c.Budget(
            kind=scope.kind,
            name=scope.name,
            limit_nano_usd=self.limit(scope),
            granted_nano_usd=self._kept.grants.get(_key(scope), 0),
            spent_nano_usd=before[0] + since[0],
            in_flight_nano_usd=sum(nano for under, nano in self._running.values() if scope in under),
            unpriced_requests=before[1] + since[1],
        )

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
        """Requests of this engine got other costs. What is of earlier ones is asked anew with ``imported``."""
        for one in changed:
            was = one.was
            counts = self.counts(simulated=bool(was.simulated), subscription=bool(was.subscription))
            if was.started_at < self._born or not counts:
                continue
            for scope in self.scopes(was.session_id, was.project, was.started_at):
                spent, unpriced = self._since.get(scope, (0, 0))
                grown = one.difference
                more = grown.cost_nano_usd + grown.simulated_nano_usd
                self._since[scope] = (spent + more, unpriced + grown.unpriced_requests)

    async def imported(self, requests: Sequence[c.Request]) -> None:
        """Requests that ended elsewhere came into the ledger: those of before this engine are in its sums."""
        for request in requests:
            if request.started_at >= self._born:
                self.ended(request)
        asked = list(self._before)
        self._before.clear()
        await self.know(asked)

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
        spent, unpriced = self._since.get(scope, (0, 0))
        self._since[scope] = (spent + (cost_nano_usd or 0), unpriced + (cost_nano_usd is None))
        if self.limit(scope) is None:
            return
        now = self.view(scope)
        passed = crossed(now.limit_nano_usd, now.spent_nano_usd - (cost_nano_usd or 0), now.spent_nano_usd)
        if passed is not None:
            self._warn(warning(now, passed, self._consequence()))

    def _consequence(self) -> str:
        match self._settings.action:
            case "block":
                return "Requests are refused until more is granted: cctui budget grant"
            case "downgrade":
                return f"Requests go to {self._settings.downgrade_to} until more is granted: cctui budget grant"
            case "warn":
                return "Requests go on"

    def _ask_ledger(self, scope: Scope) -> Sum:
        since, where = 0.0, None
        match scope.kind:
            case "day":
                since = c.midnight(date.fromisoformat(scope.name))
            case "month":
                since = c.midnight(date.fromisoformat(f"{scope.name}-01"))
            case "session" | "project":
                where = (scope.kind, scope.name)
        kept = self._settings
        return self._ledger.spent(
            since, self._born, where=where, simulated=kept.count_simulated, subscription=kept.count_subscription
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


def _nano(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 10**9)


def _load(file: KeptFile) -> _Kept:
    try:
        return msgspec.json.decode(file.read() or b"{}", type=_Kept)
    except msgspec.DecodeError as error:
        file.unreadable(error)
        return _Kept()
