"""The tree of a session's agents: a list that tells its clicks apart from those of the list beside it."""

from dataclasses import dataclass

from textual import on
from textual.message import Message

from tui.messages import RowOpened, RowSelected
from tui.widgets.choice_list import ChoiceList


class AgentTree(ChoiceList):
    """Agents worded by the function given to it."""

    @dataclass
    class Picked(Message):
        """An agent was chosen with the mouse."""

        index: int

    @dataclass
    class Folded(Message):
        """An agent was clicked a second time."""

        index: int

    @on(RowSelected)
    def _selected(self, event: RowSelected) -> None:
        event.stop()
        self.post_message(self.Picked(event.index))

    @on(RowOpened)
    def _opened(self, event: RowOpened) -> None:
        event.stop()
        self.post_message(self.Folded(event.index))
