"""What the demo's sessions say: projects with their turns. Data; pure.

Markers such as ``[[read PATH]]`` make the simulator call a tool; a turn's further steps go out with the results.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt of the user's and what follows from it."""

    steps: tuple[str, ...]
    """The prompt, then one text for each round of tool results."""
    pause_s: float = 4.0
    """The user reads, then writes the next prompt."""
    leaves_after_events: int | None = None
    """The user interrupts the first answer of the turn after so many events."""
    counts_tokens: bool = False
    """The client counts the conversation's tokens first."""


@dataclass(frozen=True, slots=True)
class Project:
    """A directory in which one session runs after another."""

    name: str
    starts_after_s: float
    turns: tuple[Turn, ...]


PROJECTS = (
    Project(
        "shop-api",
        0.0,
        (
            Turn(
                (
                    "Some customers get their order confirmation twice. Find out why. [[read src/orders/retry.py]]",
                    "[[agent Explore who calls submit and with which keys]] [[agent Plan the smallest safe change]]",
                    "[[run pytest -q tests/orders]]",
                )
            ),
            Turn(("Explain in two paragraphs why the retry repeats the mail.",), pause_s=3.0),
            Turn(("Fix it and add a test. [[write tests/orders/test_retry_once.py]]", "[[run pytest -q]]")),
            Turn(("Now list every other place that retries without a key.",), leaves_after_events=40, pause_s=2.0),
            Turn(("Only under src/payments. [[run rg -n retry src/payments]]",), counts_tokens=True),
            Turn(("Write the pull request's text.",), pause_s=6.0),
        ),
    ),
    Project(
        "docs-site",
        1.5,
        (
            Turn(("Which pages still describe the old login? [[run rg -l 'sign in' content]]",), pause_s=3.0),
            Turn(
                (
                    "Rewrite the quick start for the new flow. [[read content/quickstart.md]]",
                    "[[agent Check every link on the quick start page]]",
                    "[[write content/quickstart.md]]",
                )
            ),
            Turn(("Shorter, please, and without the screenshots.",), counts_tokens=True),
            Turn(("Is the search index rebuilt on deploy? [[read deploy/build.yml]]",), pause_s=5.0),
        ),
    ),
    Project(
        "billing",
        3.0,
        (
            Turn(
                (
                    "The February invoices are off by one day in Auckland. Look into it.",
                    "[[read billing/periods.py]] [[read tests/test_periods.py]]",
                )
            ),
            Turn(
                (
                    "[[agent Explore where dates lack a zone]] [[agent Review the tests]] [[agent Plan the migration]]",
                    "[[run pytest -q tests/test_periods.py]]",
                ),
                pause_s=6.0,
            ),
            Turn(("Show the change as a diff before you write it.",), leaves_after_events=25, pause_s=2.0),
            Turn(("Fine, write it. [[write billing/periods.py]]",)),
        ),
    ),
)

_ERRAND = ("[[run rg -n TODO src]]", "[[read src/README.md]]")
_EXPLORATION = ("[[run rg -n def src]]", "[[agent Count what calls them]]")


def errand(task: str, *, nested: bool) -> Turn:
    """What a sub-agent does on its task before it reports. Explorers send an agent of their own, once."""
    if nested:
        return Turn((task, "[[run rg -c def src]]"))
    return Turn((task, *(_EXPLORATION if task.startswith("Explore") else _ERRAND)))
