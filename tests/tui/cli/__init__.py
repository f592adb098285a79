"""Tests of the command line, on a stub engine behind a real socket."""
