"""Groups as the settings have them, for those who choose among members and for those who show them. Pure."""

from proxy.dispatch import Groups
from proxy.protocol import routing
from proxy.settings import Settings


def members_of(settings: Settings) -> Groups:
    """The groups of the settings."""
    return {
        name: tuple(routing.Member(each.target, each.order, each.weight) for each in group.members)
        for name, group in settings.groups.items()
    }


def targets_of(groups: Groups) -> dict[str, tuple[str, ...]]:
    """The members' targets in their order."""
    ordered = {name: sorted(members, key=lambda each: each.order) for name, members in groups.items()}
    return {name: tuple(member.target for member in members) for name, members in ordered.items()}
