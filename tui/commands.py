"""The command palette: the registry of actions, and the themes by name."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui import actions, themes


class Command(NamedTuple):
    """An entry of the palette."""

    name: str
    help: str
    run: Callable[[], object]


class ActionCommands(Provider):
    """Everything that a key does where the palette was opened, and what the application does everywhere."""

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(command.name, command.run, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            if (worth := matcher.match(f"{command.name} {command.help}")) > 0:
                yield Hit(worth, matcher.highlight(command.name), command.run, help=command.help)

    def _commands(self) -> Iterator[Command]:
        places: tuple[actions.Place, ...] = getattr(self.screen, "PLACES", ("panel",))
        here = [action for place in places for action in actions.of_place(place)]
        everywhere = [action for action in actions.of_place("panel") if action.id in actions.OF_APP]
        keys: actions.Keys = getattr(self.app, "keys", actions.effective_keys())
        for action in dict.fromkeys([*here, *everywhere]):
            if action.id != "palette":
                run = partial(self.app.run_action, action.call)
                key = f"  ({actions.shown_key(keys[action.id][0])})" if keys[action.id] else ""
                yield Command(f"{action.label.capitalize()}{key}", action.help, run)
        for word, name in themes.NAMES.items():
            yield Command(f"Theme {word}", "Change the colours.", partial(setattr, self.app, "theme", name))
