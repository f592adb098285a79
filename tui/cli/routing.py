"""Commands about where requests go: ``providers``, ``models``, ``use``, ``fallback``."""

import time

import click

from proxy import contract as c
from tui.cli.engine_access import ask
from tui.cli.printing import print_json, print_lines, width


@click.command(short_help="List the providers, their keys masked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def providers(*, as_json: bool) -> None:
    """List the providers: where each was found, its key masked, its health."""
    from tui.cli import json_output, text_output

    rows = ask(lambda door: door.state()).providers
    if as_json:
        print_json([json_output.provider(row) for row in rows])
    else:
        print_lines(text_output.providers(rows, time.time(), width()))


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
        _print_fallback(ask(lambda door: door.state()).route)


@fallback.command()
def on() -> None:
    """Let the chain serve when the first target fails."""
    _set_fallback(c.SetFallback(enabled=True))


@fallback.command()
def off() -> None:
    """Use one target only; its errors reach the client as they are."""
    _set_fallback(c.SetFallback(enabled=False))


@fallback.command("set")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
def set_chain(targets: tuple[str, ...]) -> None:
    """Replace the chain by providers or PROVIDER/MODEL targets, in order."""
    _set_fallback(c.SetFallback(chain=targets))


def _set_fallback(command: c.SetFallback) -> None:
    _print_fallback(ask(lambda door: door.set_fallback(command)))


def _print_fallback(route: c.Route) -> None:
    from tui.cli import text_output

    print_lines([f"fallback  {text_output.fallback(route)}"])


def _route_lines(texts: list[str]) -> list[tuple[str, str]]:
    return [("route" if place == 0 else "", text) for place, text in enumerate(texts)]
