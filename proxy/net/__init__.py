"""The edges of the engine: sockets, providers, the control door."""
