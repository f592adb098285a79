"""Checks of targets against providers that work and providers with one fault."""
