"""What may be spent, what was, and the commands that change it."""

from typing import Literal

from proxy.contract.frozen import Frozen

BudgetKind = Literal["session", "project", "day", "month"]
BUDGET_KINDS: tuple[BudgetKind, ...] = ("session", "project", "day", "month")

BudgetAction = Literal["block", "downgrade", "warn"]
"""What happens to requests when a budget is used up."""


class Budget(Frozen, frozen=True):
    """What may be spent for one purpose, and what was. Amounts are nano-dollars."""

    kind: BudgetKind
    name: str
    """Session id, project, ISO date, or ISO month."""
    limit_nano_usd: int | None = None
    """Grants included; None: no limit."""
    granted_nano_usd: int = 0
    spent_nano_usd: int = 0
    in_flight_nano_usd: int = 0
    """Estimate of what runs."""
    unpriced_requests: int = 0
    """Requests whose cost nobody could tell; they are in no sum."""

    @property
    def left_nano_usd(self) -> int | None:
        """Not below zero; None: no limit."""
        return None if self.limit_nano_usd is None else max(0, self.limit_nano_usd - self.spent_nano_usd)


class SetBudget(Frozen, frozen=True):
    """Command: the amount of a budget from now on, kept over restarts."""

    kind: BudgetKind
    amount_nano_usd: int | None = None
    """None: no limit."""
    project: str | None = None
    """For this project alone; None: for each that has no amount of its own."""
    as_settings: bool = False
    """Forget what was set at run time: the settings file counts again."""


class GrantBudget(Frozen, frozen=True):
    """Command: more for the present session, project, day or month, once."""

    kind: BudgetKind
    amount_nano_usd: int
    session: str | None = None
    """None: the session that was active last."""
    project: str | None = None


class PassBudget(Frozen, frozen=True):
    """Command: no budget stops a session any more, or they do again."""

    session: str | None = None
    """None: the session that was active last."""
    passing: bool = True


class BudgetReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/budget`` and to the commands about budgets."""

    action: BudgetAction
    budgets: tuple[Budget, ...]
    """Of a session and its project, of today, of this month; those without a limit too."""
    downgrade_to: str | None = None
    session: str | None = None
    """Whose budgets these are; None: no session was seen yet."""
    passing: bool = False
    """No budget stops that session."""
