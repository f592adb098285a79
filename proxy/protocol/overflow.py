"""A prompt that is too long for its target, in everybody's words, turned into the words that the client acts on.

Claude Code compacts a conversation by itself when it reads Anthropic's sentence with both numbers, and asks for a
shorter answer when it reads the one about prompt and ``max_tokens`` together. Other providers say the same in many
ways; the wordings below were read in their documentation and error reports.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from proxy.protocol.wordings import DIGITS, first_of, number, wordings

MARGIN = 1.05
"""How far an estimate must exceed a window before a request is held back."""

_NUMBER = f"(?P<{{}}>{DIGITS})"
_TOKENS, _MAXIMUM = _NUMBER.format("tokens"), _NUMBER.format("maximum")
_PROMPT, _OUTPUT, _WINDOW, _TOTAL = (_NUMBER.format(name) for name in ("prompt", "output", "window", "total"))

_SAYING = "(?:resulted in|requested(?: about)?|contains?|has|a total of)"

_OWN = re.compile(
    rf"prompt is too long: {_TOKENS} tokens > {_MAXIMUM}|exceed context limit: {_PROMPT} \+ {_OUTPUT} > {_WINDOW}"
)
"""Anthropic's own sentences, which the client reads as they are (both seen with 2.1.329)."""

_TOGETHER = wordings(
    rf"exceed context limit: {_PROMPT} \+ {_OUTPUT} > {_WINDOW}",
    rf"maximum context length is {_WINDOW} tokens and your request has {_PROMPT} input tokens \({_OUTPUT} >",
    rf"maximum context length is {_WINDOW} tokens.*?requested {_OUTPUT} output tokens.*?at least {_TOTAL} tokens",
    rf"maximum context length is {_WINDOW} tokens.*?{_TOTAL} tokens \([^)]*?{_OUTPUT} in the (?:completion|output)\)",
    rf"maximum context length of {_WINDOW} tokens\..*?{_PROMPT} tokens from the input messages and {_OUTPUT} tokens",
    rf"must be <= {_WINDOW}\. given: {_PROMPT} `inputs` tokens and {_OUTPUT} `max_new_tokens`",
    rf"passed {_PROMPT} input tokens and requested {_OUTPUT} output tokens.*?context length is only {_WINDOW} tokens",
)
"""Of prompt and answer together: vLLM (three), OpenAI's and DeepSeek's, OpenRouter's, SGLang's, TGI's."""

_WORDINGS = wordings(
    rf"prompt is too long: {_TOKENS} tokens > {_MAXIMUM}",
    rf"maximum context length (?:is|of) {_MAXIMUM} tokens.*?{_SAYING} {_TOKENS}",
    rf"configured limit of {_MAXIMUM} tokens.*?resulted in {_TOKENS}",
    rf"input \({_TOKENS} tokens\) is longer than the model's context length \({_MAXIMUM}",
    rf"prompt \(length {_TOKENS}\) is longer than the maximum model length of {_MAXIMUM}",
    rf"prompt is too long: {_TOKENS}, model maximum context length: {_MAXIMUM}",
    rf"current length is {_TOKENS} while limit is {_MAXIMUM}",
    rf"request body too large for [^.]+ model\. max size: {_MAXIMUM} tokens",
    rf"input length {_TOKENS} exceeds the maximum allowed input length of {_MAXIMUM}",
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

_PLAIN = (
    "prompt is too long",
    "context_length_exceeded",
    "model_max_prompt_tokens_exceeded",
    "maximum context length",
    "longer than the model's context length",
    "longer than the maximum model length",
    "input length exceeds the context length",
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
class Excess:
    """A prompt that fits into its window, but not together with the answer that was asked for; tokens."""

    prompt: int
    output: int
    window: int
    at_least: bool = False
    """The provider stopped counting the prompt where it was sure of the excess."""


class Room:
    """A request's size beside its target's window, tokens."""

    def __init__(self, tokens: int | Callable[[], int], window: int | None) -> None:
        """``tokens`` is an estimate, or makes one where it is asked for; ``window`` None: not known, or not to be judged
        by us."""
        self._tokens, self.window = tokens, window

    @property
    def tokens(self) -> int:
        """Estimated."""
        if not isinstance(self._tokens, int):
            self._tokens = self._tokens()
        return self._tokens

    @property
    def exceeded(self) -> bool:
        """The request surely does not fit: the estimate is beyond the window by more than it may err."""
        return self.window is not None and self.tokens > self.window * MARGIN


def read_excess(message: str) -> Excess | None:
    """What a rejection tells of prompt and answer together; None where the prompt alone is too long already, or where
    it is about something else."""
    excess = _together(message)
    return excess if excess is not None and excess.prompt < excess.window else None


def read_overflow(message: str) -> Overflow | None:
    """The numbers in a rejection; None where it is about something else, such as an answer that asks for too much."""
    if (excess := _together(message)) is not None:
        return Overflow(excess.prompt, excess.window) if excess.prompt >= excess.window else None
    if found := first_of(_WORDINGS, message):
        told = _numbers(found)
        return Overflow(told.get("tokens"), told.get("maximum"))
    low = message.lower()
    return Overflow() if any(words in low for words in _PLAIN) else None


def is_clients_own(message: str) -> bool:
    """Whether the client itself acts on ``message``."""
    return _OWN.search(message) is not None


def sentence_for(message: str, room: Room) -> str:
    """The sentence on which the client acts, for a rejection that ``read_excess`` or ``read_overflow`` knows."""
    excess = read_excess(message)
    if excess is None:
        return client_sentence(read_overflow(message) or Overflow(), room)
    prompt = max(excess.prompt, room.tokens) if excess.at_least else excess.prompt
    if prompt >= excess.window:
        return client_sentence(Overflow(prompt, excess.window), room)
    return (
        f"input length and `max_tokens` exceed context limit: {prompt} + {excess.output} > {excess.window}, "
        "decrease input length or `max_tokens` and try again"
    )


def client_sentence(overflow: Overflow, room: Room) -> str:
    """The sentence on which the client compacts; what the provider did not say is the engine's estimate."""
    maximum = overflow.maximum or room.window or max(1, room.tokens - 1)
    tokens = max(overflow.tokens or room.tokens, maximum + 1)
    return f"prompt is too long: {tokens} tokens > {maximum} maximum"


def _together(message: str) -> Excess | None:
    """The numbers of prompt and answer, whichever of them is to blame."""
    found = first_of(_TOGETHER, message)
    if found is None:
        return None
    told = _numbers(found)
    output, window = told["output"], told["window"]
    prompt = told.get("prompt") or told.get("total", 0) - output
    if prompt <= 0 or window <= 0 or prompt + output <= window:
        return None
    return Excess(prompt, output, window, at_least=prompt + output == window + 1)


def _numbers(found: re.Match[str]) -> dict[str, int]:
    return {name: number(digits) for name, digits in found.groupdict().items()}
