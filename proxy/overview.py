"""The engine as panels, scripts and the client's own model list see it: its parts read and put together."""

import os
import resource
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from proxy import __version__
from proxy import contract as c
from proxy.addresses import is_loopback
from proxy.board import Board
from proxy.budget_gate import BudgetGate
from proxy.catalog import ModelCatalog
from proxy.checkup.checkups import Checkups
from proxy.dispatch import Dispatch
from proxy.ledger.writer import LedgerWriter
from proxy.protocol import routing
from proxy.protocol.naming import USUALLY_ASKED, family_of
from proxy.providers import ProviderConfig
from proxy.telemetry.sender import Telemetry
from proxy.views import provider_view

NAMED_SINCE = "2026-01-01T00:00:00Z"
"""A model list must date its entries, and providers date theirs in many ways or not at all."""


class Overview:
    """Reads the engine's parts."""

    def __init__(
        self,
        dispatch: Dispatch,
        board: Board,
        writer: LedgerWriter,
        telemetry: Telemetry,
        checkups: Checkups,
        environ: Mapping[str, str],
        state_dir: Path,
        listen_host: str,
    ) -> None:
        self._dispatch, self._board, self._checkups, self._environ = dispatch, board, checkups, environ
        self._writer, self._telemetry = writer, telemetry
        self._state_dir, self._listen_host = state_dir, listen_host
        self.started_at = time.time()
        """Epoch seconds."""
        self._problems: tuple[str, ...] = ()
        self._used_up: tuple[str, ...] = ()
        self.url = ""
        self.draining = False

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the engine itself, in words, as ``look`` last found it."""
        return self._problems

    @property
    def _gate(self) -> BudgetGate:
        return self._dispatch.gate

    @property
    def _catalog(self) -> ModelCatalog:
        return self._dispatch.catalog

    def snapshot(self) -> c.Snapshot:
        sessions = self._board.sessions()
        return c.Snapshot(
            engine=self.engine(),
            route=self._dispatch.route,
            providers=self.providers(),
            sessions=sessions,
            requests=self._board.requests(),
            today=self._board.today,
            problems=self._problems,
            notices=tuple(self._board.notices),
            budgets=self._gate.views(sessions),
            passing=self._gate.budgets.passing_sessions,
            used_up=self._gate.used_up(),
        )

    def engine(self) -> c.Engine:
        return c.Engine(
            pid=os.getpid(),
            url=self.url,
            version=__version__,
            contract=c.CONTRACT,
            started_at=self.started_at,
            home=str(self._state_dir),
            rss_bytes=_rss_bytes(),
            draining=self.draining,
            host_open=not is_loopback(self._listen_host),
        )

    def engine_changed(self) -> c.EngineChanged:
        return c.EngineChanged(engine=self.engine(), problems=self._problems, used_up=self._used_up)

    def look(self) -> bool:
        """Whether what is wrong with the engine itself, or a budget that is used up, is news."""
        before = (self._problems, self._used_up)
        self._problems, self._used_up = tuple(self._look()), self._gate.used_up()
        return before != (self._problems, self._used_up)

    def _look(self) -> list[str]:
        problems = []
        if self._writer.problem:
            problems.append(self._writer.problem)
        if self._writer.dropped:
            problems.append(f"{_missing(self._writer.dropped)} from the history: the disk was too slow")
        if self._writer.unfit:
            problems.append(f"{_missing(self._writer.unfit)} from the history: the log says why")
        if self._telemetry.problem:
            problems.append(self._telemetry.problem)
        return [*problems, *self._look_at_route(self._dispatch.route)]

    def _look_at_route(self, route: c.Route) -> Iterator[str]:
        """What of the route leads nowhere, in words."""
        yield from (_vanished(override, route) for override in self._vanished(route))
        try:
            routing.parse_target(route.default, self._dispatch)
        except routing.NoTarget as error:
            yield f"route.default: {error}"
        for slot, chain in ((None, route.chain), *route.slot_chains.items()):
            asked = self._asked(slot)
            for entry in chain:
                try:
                    idle = not routing.serves_any(entry, asked, self._dispatch)
                except routing.NoTarget as error:
                    yield f"fallback: {error}"
                else:
                    if idle:
                        yield f"fallback: {entry} serves nothing: it lists no model for {', '.join(asked)}"

    def _vanished(self, route: c.Route) -> Iterable[c.Override]:
        """Choices for a provider that is no longer set up: the most general one for each. Sessions end without a word,
        so theirs count only while they are known."""
        known = (*self._dispatch.providers, *self._dispatch.groups())
        gone = [each for each in route.overrides if each.provider not in known]
        gone = [each for each in gone if each.session is None or self._board.session(each.session) is not None]
        gone.sort(key=lambda each: (each.session is not None, each.slot is not None), reverse=True)
        return {each.provider: each for each in gone}.values()

    def _asked(self, slot: c.Slot | None) -> tuple[str, ...]:
        """Models that a chain has to serve: those of its slot, else those that conversations ask for."""
        usual = [model for model in USUALLY_ASKED if slot is not None and family_of(model) == slot]
        return tuple(usual) or self._board.models_asked() or USUALLY_ASKED[:2]

    def providers(self) -> tuple[c.Provider, ...]:
        return tuple(self._provider(provider) for provider in self._dispatch.providers.values())

    def _provider(self, provider: ProviderConfig) -> c.Provider:
        view = self._view(provider)
        follows = provider.name in _named(self._dispatch.route)
        if follows and not routing.serves_any(provider.name, self._asked(None), self._dispatch):
            return msgspec.structs.replace(view, serves_nothing=True)
        return view

    def _view(self, provider: ProviderConfig) -> c.Provider:
        return provider_view(
            provider,
            self._dispatch.health.view(provider),
            self._catalog.listing(provider.name),
            len(self._catalog.ids(provider.name)),
            self._environ,
            self._dispatch.rejected.lines(provider.name),
            self._checkups.marks(provider.name),
        )

    def models(self) -> tuple[c.Model, ...]:
        """All models, with what the checks of some of them found."""
        names = self._dispatch.providers
        marks = {(name, mark.model): mark for name in names for mark in self._checkups.marks(name)}
        return tuple(
            msgspec.structs.replace(each, check=marks[each.provider, each.id])
            if (each.provider, each.id) in marks
            else each
            for each in self._catalog.models()
        )

    def published_models(self, publish: str) -> list[dict[str, object]]:
        """What the client's own ``/model`` is shown."""
        models: list[dict[str, object]] = []
        for model in self._catalog.published(publish):
            real = self._dispatch.providers[model.provider].real_claude
            name = model.name or model.id
            entry: dict[str, object] = {
                "type": "model",
                "id": model.published_id,
                "display_name": name if real else f"{name} · {model.provider}",
                "created_at": NAMED_SINCE,
            }
            if model.context_window:
                entry["max_input_tokens"] = model.context_window
            models.append(entry)
        return models


def _named(route: c.Route) -> set[str]:
    """What stands in chains and groups under its bare name."""
    return {
        entry for entries in (route.chain, *route.slot_chains.values(), *route.groups.values()) for entry in entries
    }


def _vanished(override: c.Override, route: c.Route) -> str:
    """A choice of the user's that has no effect, in words."""
    where = f"session {override.session}" if override.session else "all traffic"
    scope = f"{override.slot} of {where}" if override.slot else where
    options = f" --slot {override.slot}" * bool(override.slot) + f" --session {override.session}" * bool(
        override.session
    )
    return (
        f"{scope} is set to {routing.show_override(override)}, but there is no {override.provider} any more:"
        f" {route.default} serves; cctui use {c.AS_ASKED}{options} takes the choice back"
    )


def _rss_bytes() -> int:
    """Resident memory now, or at its peak where the system tells only that."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _missing(requests: int) -> str:
    return "1 request is missing" if requests == 1 else f"{requests} requests are missing"
