"""The whole of cctui on simulated providers: an engine of its own, sessions that talk to it, the panel on top.

Nothing here touches the user's installation: settings, history and port live in a temporary directory that
goes with the demo.
"""


def run_demo(headless: bool, seconds: float | None, json_output: bool) -> int:
    """Run the demo and clean up after it; the exit code.

    ``headless``: no panel; after ``seconds`` (10 where None) what was served is printed, as JSON if
    ``json_output``. Otherwise the panel runs until it is left.
    """
    from tui.demo.run import run  # noqa: PLC0415  the traffic's process has no use for it

    return run(headless=headless, seconds=seconds, json_output=json_output)
