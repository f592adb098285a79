"""The ``cctui`` command. Each command imports what it needs when it runs, so that ``--help`` is instant."""

import click

from tui.cli import (
    adding,
    budget,
    check,
    checks,
    export,
    history,
    importing,
    life,
    prompts,
    reloading,
    repricing,
    routing,
    sessions,
    whatif,
)

HELP = """A panel and a local proxy beside Claude Code.

Without a command the panel opens; an engine is started if none runs.
Files lie in the platform's directories, or all under $CCTUI_HOME.
"""


def _print_version(context: click.Context, _option: click.Parameter, value: object) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"cctui {version('cctui')}")
        except PackageNotFoundError:
            click.echo("cctui, not installed")
        context.exit()


class _Commands(click.Group):
    """The commands; on a terminal the sentence of a failure is broken between words."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            from tui.cli.printing import beside

            vars(error)["message"] = beside(error.message, "Error: ")  # to click it is final
            raise


@click.group(
    cls=_Commands, invoke_without_command=True, help=HELP, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--replace-engine", is_flag=True, help="End a running engine of another version and start this one's.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print it.")
@click.pass_context
def cctui(context: click.Context, *, replace_engine: bool) -> None:
    if context.invoked_subcommand is None:
        sessions.open_panel()


for command in (
    sessions.claude,
    sessions.env,
    sessions.demo,
    sessions.statusline,
    life.status,
    life.serve,
    life.stop,
    reloading.reload,
    routing.providers,
    routing.models,
    routing.use,
    routing.fallback,
    budget.budget,
    history.requests,
    history.usage,
    whatif.whatif,
    repricing.reprice,
    export.export,
    importing.import_,
    prompts.context,
    prompts.cache,
    checks.doctor,
    check.check,
):
    cctui.add_command(command)
for command in (adding.add, adding.remove):
    routing.providers.add_command(command)


def main() -> None:
    """Run the command line; exits 0, 1 when something failed, 2 when it was called wrongly."""
    cctui(prog_name="cctui")
