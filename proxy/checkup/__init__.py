"""Checks of a target: what a careful person would try before trusting it with real work."""
