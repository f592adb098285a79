"""What the widgets tell their screen: facts about the user's hand, none of them about the engine."""

from dataclasses import dataclass

from textual.message import Message


@dataclass
class RowSelected(Message):
    """A row was chosen with the mouse."""

    index: int


@dataclass
class RowOpened(Message):
    """A row was clicked a second time."""

    index: int


@dataclass
class PaneResized(Message, bubble=True):
    """A pane has another size, so what it shows must be made anew."""
