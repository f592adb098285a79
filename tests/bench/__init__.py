"""Benchmarks: ``python -m tests.bench``. They measure and report; nothing here asserts a time."""
