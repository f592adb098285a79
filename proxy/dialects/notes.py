"""What was left out of a request or told in other words, for the user, who reads each only once."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Notes:
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, words: str) -> None:
        self.counts[words] = self.counts.get(words, 0) + 1

    def told(self) -> tuple[str, ...]:
        return tuple(words if count == 1 else f"{words} (×{count})" for words, count in self.counts.items())
