"""``cctui doctor``."""

from typing import TYPE_CHECKING

import click

from tui.cli.printing import print_json, print_lines

if TYPE_CHECKING:
    from tui.doctor import Check

MARKS = {"ok": "✓", "warn": "▲", "fail": "✗"}


@click.command(short_help="Check engine, keys, lists and `claude`; name the remedies.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, as_json: bool) -> None:
    """Check engine, keys, lists and `claude`, with the remedy for what is wrong; exits 1 when something is."""
    from tui.cli.engine_access import installation
    from tui.doctor import examine

    checks = examine(installation())
    failed = any(check.state == "fail" for check in checks)
    if as_json:
        rows = [
            {"name": check.name, "state": check.state, "text": check.text, "remedy": check.remedy or None}
            for check in checks
        ]
        print_json({"ok": not failed, "checks": rows})
    else:
        print_lines(line for check in checks for line in _lines(check))
    raise click.exceptions.Exit(int(failed))


def _lines(check: "Check") -> list[str]:
    first = f"{MARKS[check.state]} {check.state:<5}{check.name}: {check.text}"
    return [first, *([f"        {check.remedy}"] if check.remedy else [])]
