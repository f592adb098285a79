"""The program ``cctui``, also ``python -m tui``."""

import sys


def main() -> None:
    """Run the command line; the status line by a short cut, as its caller waits for it after each message."""
    if sys.argv[1:] == ["statusline"]:
        from tui.statusline import runtime_file, show

        show(runtime_file())
        return
    from tui.cli import main as run

    run()


if __name__ == "__main__":
    main()
