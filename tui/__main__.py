"""``python -m tui``: the same as ``cctui``."""

from tui.cli import main

if __name__ == "__main__":
    main()
