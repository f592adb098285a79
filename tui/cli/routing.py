"""Commands about where requests go: ``providers``, ``models``, ``use``, ``fallback``."""

import time

import click

from proxy import contract as c
from tui.cli.engine_access import ask
from tui.cli.printing import print_json, print_lines, width


@click.group(invoke_without_command=True, short_help="List the providers, their keys masked, their health.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def providers(context: click.Context, *, as_json: bool) -> None:
    """List the providers: where each was found, its key masked, its health and limits; or rest, wake or test one."""
    from tui.cli import json_output, text_output

    if context.invoked_subcommand is not None:
        return
    rows = ask(lambda door: door.state()).providers
    if as_json:
        print_json([json_output.provider(row) for row in rows])
    else:
        print_lines(text_output.providers(rows, time.time(), width()))


@providers.command("rest")
@click.argument("name")
def rest(name: str) -> None:
    """Send nothing to a provider until it is taken back."""
    _set_resting(name, resting=True)


@providers.command("wake")
@click.argument("name")
def wake(name: str) -> None:
    """Take a resting provider back and forget its failures."""
    _set_resting(name, resting=False)


@providers.command("test", short_help="Ask a provider for its models now; exits 1 when it does not answer well.")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def try_provider(name: str, *, as_json: bool) -> None:
    """Ask a provider for its models now; exits 1 when it does not answer well."""
    from tui.cli import json_output

    tried = ask(lambda door: door.try_provider(c.TryProvider(provider=name)))
    if as_json:
        print_json(json_output.tried(tried))
    else:
        print_lines([f"{'ok' if tried.ok else 'failed'}: {tried.text} ({tried.duration_ms:.0f} ms)"])
    if not tried.ok:
        raise click.exceptions.Exit(1)


@providers.command("forget", short_help="Send a provider everything again, also the fields that it was seen to reject.")
@click.argument("name")
def forget(name: str) -> None:
    """Send a provider everything again, also the fields that it was seen to reject."""
    ask(lambda door: door.forget_rejections(c.ForgetRejections(provider=name)))
    print_lines([f"{name} gets every field again; what it still rejects is learned anew."])


def _set_resting(name: str, *, resting: bool) -> None:
    ask(lambda door: door.rest(c.RestProvider(provider=name, resting=resting)))
    rests = f"{name} rests: nothing is sent there. `cctui providers wake {name}` takes it back."
    print_lines([rests if resting else f"{name} takes requests again."])


@click.command(short_help="List every provider's models.")
@click.option("--refresh", is_flag=True, help="Ask the providers first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(*, refresh: bool, as_json: bool) -> None:
    """List every provider's models, with context window and prices where known."""
    from tui.cli import json_output, text_output

    listed = ask(lambda door: door.models(refresh=refresh))
    if as_json:
        rows = [json_output.model(model) for model in listed.models]
        print_json({"models": rows, "providers": [json_output.provider(row) for row in listed.providers]})
    else:
        print_lines(text_output.models(listed, time.time(), width()))


@click.command(short_help="Choose the model or provider of the next requests.")
@click.argument("target", metavar="MODEL|PROVIDER|PROVIDER/MODEL|as-asked")
@click.option("--session", metavar="ID", help="Only for this session.")
@click.option("--slot", type=click.Choice(c.SLOTS), help="Only for requests of this kind.")
def use(target: str, session: str | None, slot: c.Slot | None) -> None:
    """Send requests elsewhere, from the next one on; `as-asked` takes that back."""
    from tui.cli import text_output

    command = c.Use(target=target, session=session, slot=slot)
    route = ask(lambda door: door.use(command))
    print_lines(f"{head:<10}{text}" for head, text in _route_lines(text_output.route(route)))


@click.group(invoke_without_command=True, short_help="Show or set what serves when the first target fails.")
@click.pass_context
def fallback(context: click.Context) -> None:
    """Show fallback, switch it `on` or `off`, or `set` what follows the first target."""
    if context.invoked_subcommand is None:
        _print_fallback(_present_route())


@fallback.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_chain(*, as_json: bool) -> None:
    """Show whether fallback is on, every chain and every group."""
    from tui.cli import json_output

    route = _present_route()
    if as_json:
        print_json(json_output.fallback(route))
    else:
        _print_fallback(route)


@fallback.command()
def on() -> None:
    """Let the chain serve when the first target fails."""
    _set_fallback(c.SetFallback(enabled=True))


@fallback.command()
def off() -> None:
    """Use one target only; its errors reach the client as they are."""
    _set_fallback(c.SetFallback(enabled=False))


@fallback.command("set", short_help="Replace the chain by providers, groups or PROVIDER/MODEL targets, in order.")
@click.option("--slot", type=click.Choice(c.SLOTS), help="Only for requests of this kind.")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
def set_chain(slot: c.Slot | None, targets: tuple[str, ...]) -> None:
    """Replace the chain by providers, groups or PROVIDER/MODEL targets, in order."""
    _set_fallback(c.SetFallback(chain=targets, slot=slot))


@fallback.command("clear", short_help="Empty the chain, or take a slot's own away so that the common one serves it.")
@click.option("--slot", type=click.Choice(c.SLOTS), help="The chain that this kind of requests has of its own.")
def clear_chain(slot: c.Slot | None) -> None:
    """Empty the chain, or take a slot's own away so that the common one serves it."""
    _set_fallback(c.SetFallback(chain=(), slot=slot))


def _present_route() -> c.Route:
    return ask(lambda door: door.state()).route


def _set_fallback(command: c.SetFallback) -> None:
    _print_fallback(ask(lambda door: door.set_fallback(command)))


def _print_fallback(route: c.Route) -> None:
    from tui.cli import text_output

    print_lines(f"{head:<10}{text}" for head, text in text_output.chains(route))


def _route_lines(texts: list[str]) -> list[tuple[str, str]]:
    return [("route" if place == 0 else "", text) for place, text in enumerate(texts)]
