"""What a check is of: the target that the user's words name. Pure."""

import contextlib
from collections.abc import Sequence

from proxy import contract as c
from proxy.protocol.routing import Asked, Catalog, NoTarget, Target, decide, parse_target


def target_to_check(text: str, catalog: Catalog, models: Sequence[c.Model], asked: Sequence[str]) -> Target:
    """``provider/model``, or of a provider the model that was used last, the only one, or the one that serves what
    clients ask for.

    ``models`` are all that are listed, ``asked`` what clients ask for. Raises ``NoTarget``.
    """
    named = parse_target(text, catalog)
    if named.provider in catalog.groups():
        members = ", ".join(member.target for member in catalog.groups()[named.provider])
        raise NoTarget(f"{named.provider} is a group; check its members one by one: {members}")
    if named.model:
        return Target(named.provider, named.model)
    used = [each for each in models if each.provider == named.provider and each.used_at is not None]
    if used:
        return Target(named.provider, max(used, key=lambda each: each.used_at or 0.0).id)
    listed = [each.id for each in models if each.provider == named.provider]
    if len(listed) == 1:
        return Target(named.provider, listed[0])
    route = c.Route(default=named.provider, overrides=(named,))
    for model in asked:
        with contextlib.suppress(NoTarget):
            return decide(route, Asked(model), catalog).target
    raise NoTarget(
        f"{named.provider} lists nothing that Claude Code asks for; say which model to check:"
        f" cctui check {named.provider}/MODEL (cctui models shows them)."
    )
