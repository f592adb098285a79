"""A prompt that is too long for its target, in everybody's words, turned into the words that the client acts on.

Claude Code compacts a conversation by itself when it reads Anthropic's sentence with both numbers. Other
providers say the same in many ways; the wordings below were read in their documentation and error reports.
"""

import re
from dataclasses import dataclass

MARGIN = 1.05
"""How far an estimate must exceed a window before a request is held back."""

_NUMBER = r"(?P<{}>\d[\d,_]*)"
_TOKENS, _MAXIMUM = _NUMBER.format("tokens"), _NUMBER.format("maximum")

_WORDINGS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"prompt is too long: {_TOKENS} tokens > {_MAXIMUM}",
        rf"maximum context length (?:is|of) {_MAXIMUM} tokens.*?(?:resulted in|requested(?: about)?|contains?) {_TOKENS}",
        rf"maximum prompt length is {_MAXIMUM} but the request contains {_TOKENS}",
        rf"input token count \(?{_TOKENS}\)? exceeds the maximum number of tokens allowed \(?{_MAXIMUM}",
        rf"prompt token count of {_TOKENS} exceeds the limit of {_MAXIMUM}",
        rf"prompt contains {_TOKENS} tokens.*?{_MAXIMUM} maximum context length",
        rf"request \({_TOKENS} tokens\) exceeds the available context size \({_MAXIMUM}",
        rf"first {_TOKENS} tokens.*?context length of only {_MAXIMUM}",
        rf"(?:token limit|input length should be \[1, ?|context (?:length|window|size)[^.\d]{{0,40}}?){_MAXIMUM}\b.*?exceed",
        rf"exceeded model token limit:? {_MAXIMUM}",
        rf"range of input length should be \[1, ?{_MAXIMUM}\]",
    )
)

_PLAIN = (
    "prompt is too long",
    "context_length_exceeded",
    "model_max_prompt_tokens_exceeded",
    "maximum context length",
    "exceeds the context window",
    "exceeds the available context size",
    "context window exceeds limit",
    "exceed context limit",
    "input is too long for requested model",
    "prompt exceeds max length",
    "reduce the length of the messages",
    "exceeded model token limit",
    "maximum prompt length is",
    "exceeds the maximum number of tokens allowed",
    "range of input length should be",
    "context the overflows",
)


@dataclass(frozen=True, slots=True)
class Overflow:
    """What a provider told of a prompt that is too long, tokens; None: it did not say."""

    tokens: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """A request's size beside its target's window, tokens."""

    tokens: int
    """Estimated."""
    window: int | None
    """None: not known, or not to be judged by us."""

    @property
    def exceeded(self) -> bool:
        """The request surely does not fit: the estimate is beyond the window by more than it may err."""
        return self.window is not None and self.tokens > self.window * MARGIN


def read_overflow(message: str) -> Overflow | None:
    """The numbers in a rejection; None where it is about something else."""
    for wording in _WORDINGS:
        if found := wording.search(message):
            groups = found.groupdict()
            return Overflow(_integer(groups.get("tokens")), _integer(groups.get("maximum")))
    low = message.lower()
    return Overflow() if any(words in low for words in _PLAIN) else None


def client_sentence(overflow: Overflow, room: Room) -> str:
    """The sentence on which the client compacts; what the provider did not say is the engine's estimate."""
    maximum = overflow.maximum or room.window or max(1, room.tokens - 1)
    tokens = max(overflow.tokens or room.tokens, maximum + 1)
    return f"prompt is too long: {tokens} tokens > {maximum} maximum"


def _integer(text: str | None) -> int | None:
    return int(re.sub(r"[,_]", "", text)) if text else None
