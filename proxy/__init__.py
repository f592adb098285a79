"""The engine of cctui: a local proxy between Claude Code and model providers, in a process of its own."""

__version__ = "0.1.0"
