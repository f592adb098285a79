"""Time for breakers: it passes only when the test says so."""

import time


class Clock:
    """Unix seconds; stands still between calls of ``passes``."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds
