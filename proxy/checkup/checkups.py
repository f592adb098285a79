"""Runs checks of targets, one at a time for each, and keeps what they found. Off the hot path.

What is tried and how it is judged is in ``probes``; here the requests are sent, the results written down as they
come, and the last verdict on each point of each target is kept with its date over restarts.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path

import msgspec

from proxy import contract as c
from proxy.catalog import ModelCatalog
from proxy.checkup.asking import Asker
from proxy.checkup.probe import Answer, Facts, Probe, Seen, Verdict, skipped
from proxy.checkup.probes import chosen, costs, in_order, size
from proxy.costs import Costs
from proxy.keptfile import KeptFile
from proxy.net.discovery import Discovery
from proxy.parcels import can_count
from proxy.protocol.naming import tier_of
from proxy.protocol.routing import Target
from proxy.providers import ProviderConfig

log = logging.getLogger(__name__)

TARGETS_KEPT = 200
STOPPED = "the check was stopped before"


class CannotCheck(ValueError):
    """A check that cannot begin. ``str()`` says why and what to do."""


class _Kept(msgspec.Struct):
    reports: dict[str, c.CheckReport] = {}


class Checkups:
    """The checks of all targets."""

    def __init__(
        self,
        file: Path,
        providers: Mapping[str, ProviderConfig],
        catalog: ModelCatalog,
        costs: Costs,
        discovery: Discovery,
        asker: Asker,
        start: Callable[[str, Coroutine[None, None, None]], None],
        changed: Callable[[], None],
    ) -> None:
        """``start`` runs a task under a name and logs its faults; ``changed`` hears of each check that ended."""
        self._file = KeptFile(file, "the checks")
        self._providers, self._catalog, self._costs, self._discovery = providers, catalog, costs, discovery
        self.asker = asker
        self._start, self._changed = start, changed
        self._kept = self._file.content(_Kept)
        self._running: dict[str, _Run] = {}
        self._last: dict[str, c.CheckReport] = {}
        """Of each target since the engine started, with what was not asked."""
        self.idle = asyncio.Event()
        """No check runs."""
        self.idle.set()

    def plan(self, target: Target, command: c.RunCheck) -> c.CheckReport:
        """What a check would try and cost; nothing is sent. Raises ``CannotCheck`` and ``NoSuchProbe``."""
        provider = self._checkable(target)
        probes, facts = chosen(command.only, command.skip), self._facts(target, "00000000")
        expected = size(probes, facts)
        price, _ = self._costs.price_of(provider, target.model)
        likely, most = costs(expected, price)
        return c.CheckReport(
            target=str(target),
            results=tuple(c.CheckResult(name=probe.name, title=probe.title) for probe in probes),
            requests=expected.requests,
            likely_nano_usd=likely,
            most_nano_usd=most,
            simulated=provider.simulated,
        )

    def begin(self, target: Target, command: c.RunCheck) -> c.CheckReport:
        """Begin a check. Raises ``CannotCheck`` and ``NoSuchProbe``."""
        planned = self.plan(target, command)
        if planned.target in self._running:
            raise CannotCheck(
                f"{planned.target} is being checked already; the panel's check screen follows and stops it"
            )
        nonce = secrets.token_hex(4)
        session = f"{c.CHECK_SESSION}{nonce}"
        report = msgspec.structs.replace(planned, session=session, started_at=time.time(), running=True)
        run = self._running[planned.target] = _Run(report, self._facts(target, nonce), target)
        self.idle.clear()
        self._start(f"check of {target}", self._carry_out(run, chosen(command.only, command.skip)))
        return report

    def stop(self, target: Target) -> None:
        """Ask nothing more; the request that runs is broken off. Without a running check nothing happens."""
        run = self._running.get(str(target))
        if run is not None and run.task is not None:
            run.stopped = True
            run.task.cancel()

    def report(self, target: Target) -> c.CheckReport | None:
        """The running check, else the last one, and what earlier ones found beside it; None: it was never checked."""
        run, kept = self._running.get(str(target)), self._kept.reports.get(str(target))
        last = run.report if run is not None else self._last.get(str(target), kept)
        if last is None or kept is None:
            return last
        names = {result.name for result in last.results}
        others = tuple(result for result in kept.results if result.name not in names)
        return msgspec.structs.replace(last, results=in_order([*last.results, *others]))

    def marks(self, provider: str) -> tuple[c.CheckMark, ...]:
        """What the checks of a provider's models found, the newest first."""
        start = f"{provider}/"
        reports = [report for key, report in self._kept.reports.items() if key.startswith(start)]
        found = [_mark(report, start) for report in reports if any(_tells(each) for each in report.results)]
        return tuple(sorted(found, key=lambda mark: -mark.at))

    def _checkable(self, target: Target) -> ProviderConfig:
        """Raises ``CannotCheck``."""
        provider = self._providers[target.provider]
        if not provider.own_credential:
            why = "only Claude Code has a login for it" if provider.auth == "passthrough" else "it has no key"
            name = provider.name
            raise CannotCheck(f"{name} cannot be checked: {why}. Give [providers.{name}] an api_key in the settings.")
        return provider

    def _facts(self, target: Target, nonce: str) -> Facts:
        provider, listing = self._providers[target.provider], self._catalog.listing(target.provider)
        entry = self._catalog.find(target.provider, target.model)
        return Facts(
            model=target.model,
            nonce=nonce,
            foreign=not provider.speaks_claude,
            claude=tier_of(target.model) is not None,
            lists=provider.models_url is not None,
            listed=tuple(model.id for model in listing.models),
            list_error=listing.error,
            counts=can_count(provider, target.model),
            window=self._catalog.window(target.provider, target.model),
            images=False if not provider.quirks.images else entry.images if entry else None,
            thinking=entry.thinking if entry else None,
            tools=entry.tools if entry else None,
            simulated=provider.simulated,
        )

    async def _carry_out(self, run: "_Run", probes: Sequence[Probe]) -> None:
        run.task = asyncio.current_task()
        try:
            await self._try_all(run, probes)
        except asyncio.CancelledError:
            if not run.stopped:
                raise
            run.give_up(STOPPED)
        finally:
            run.report = msgspec.structs.replace(run.report, running=False, ended_at=time.time())
            self._keep(run.report)
            del self._running[str(run.target)]
            if not self._running:
                self.idle.set()
        await self._file.keep(msgspec.json.encode(self._kept))
        self._changed()

    async def _try_all(self, run: "_Run", probes: Sequence[Probe]) -> None:
        if any(probe.name == "list" for probe in probes) and run.facts.lists:
            await self._discovery.refresh([run.target.provider])
            run.facts = self._facts(run.target, run.facts.nonce)
        for probe in probes:
            if run.target.provider not in self._providers:
                run.give_up(f"not asked: {run.target.provider} was taken out of the settings")
                return
            run.begin(probe)
            began = self.asker.clock()
            verdict = await self._try(run, probe)
            run.end(probe, verdict, (self.asker.clock() - began) * 1000)
            if verdict.verdict in probe.gate:
                run.give_up(f"not asked, for want of this: {probe.title}")
                return

    async def _try(self, run: "_Run", probe: Probe) -> Verdict:
        """A fault of our own costs this verdict, not the check."""
        if (why := probe.left_out(run.facts)) is not None:
            return skipped(why)
        answers = run.answers[probe.name] = []
        seen = Seen(run.facts, answers, run.answers)
        try:
            for step in probe.steps:
                if (asked := step(seen)) is not None:
                    await self.asker.ask(asked, run.target, run.report.session or "", answers.append)
            return probe.judge(seen)
        except Exception:
            log.exception("the check of %s failed at %s", run.target, probe.name)
            return skipped("the check itself made a mistake; the engine's log says which")

    def _keep(self, report: c.CheckReport) -> None:
        """The new verdicts take the place of the old ones; what was not asked again stays."""
        self._last.pop(report.target, None)
        self._last[report.target] = report
        while len(self._last) > TARGETS_KEPT:
            del self._last[next(iter(self._last))]
        reports = self._kept.reports
        before = reports.pop(report.target, None)
        news = {result.name: result for result in report.results if result.at is not None}
        old = before.results if before is not None else ()
        merged = {result.name: result for result in old} | news
        if merged:
            reports[report.target] = msgspec.structs.replace(report, results=in_order(merged.values()))
        while len(reports) > TARGETS_KEPT:
            del reports[next(iter(reports))]


class _Run:
    """A check while it runs."""

    def __init__(self, report: c.CheckReport, facts: Facts, target: Target) -> None:
        self.report, self.facts, self.target = report, facts, target
        self.answers: dict[str, list[Answer]] = {}
        self.task: asyncio.Task[None] | None = None
        self.stopped = False

    def begin(self, probe: Probe) -> None:
        self._put(probe.name, running=True)

    def end(self, probe: Probe, verdict: Verdict, duration_ms: float) -> None:
        self._put(
            probe.name,
            running=False,
            verdict=verdict.verdict,
            text=verdict.text,
            evidence=verdict.evidence,
            at=time.time(),
            duration_ms=round(duration_ms, 1),
            **self._figures(probe.name),
        )

    def give_up(self, why: str) -> None:
        """What was not asked yet is not asked any more; its last verdict, if there is one, stays. What was asked in the
        middle of it costs all the same."""
        for result in self.report.results:
            if result.verdict is None:
                self._put(result.name, running=False, verdict="skipped", text=why, **self._figures(result.name))

    def _figures(self, name: str) -> dict[str, int]:
        known = [answer.record.cost_nano_usd for answer in self.answers.get(name, ())]
        return {
            "requests": len(known),
            "cost_nano_usd": sum(each or 0 for each in known),
            "unpriced": sum(each is None for each in known),
        }

    def _put(self, name: str, **news: object) -> None:
        results = tuple(
            msgspec.structs.replace(each, **news) if each.name == name else each for each in self.report.results
        )
        self.report = msgspec.structs.replace(self.report, results=results)


def _tells(result: c.CheckResult) -> bool:
    return result.verdict not in (None, "skipped")


def _mark(report: c.CheckReport, start: str) -> c.CheckMark:
    titles = {
        verdict: tuple(each.title for each in report.results if each.verdict == verdict)
        for verdict in ("fail", "degraded")
    }
    at = max((each.at or 0.0 for each in report.results), default=0.0)
    return c.CheckMark(
        model=report.target.removeprefix(start), at=at, failed=titles["fail"], degraded=titles["degraded"]
    )
