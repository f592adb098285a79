"""How an answer of OpenAI's chat format ends: finish reasons of all servers, and what they mean."""

from collections.abc import Mapping

_CUT = ("length", "max_tokens", "model_length", "max_output_tokens")
_REFUSED = ("content_filter", "sensitive", "refusal")
_NO_ROOM = "model_context_window_exceeded"
"""GLM's, and Claude's own: prompt and answer together are longer than the window."""
_FAILED: Mapping[str, str] = {
    "error": "api_error",
    "network_error": "api_error",
    "abort": "api_error",
    "function_call_filter": "api_error",
    "insufficient_system_resource": "overloaded_error",
}
"""Reasons that are no finish, with the error that each is."""
_NO_REASON = ("", "null", "none")


class Ending:
    """The finish reason of one answer, as far as it is known.

    The first one counts, for some servers tell it again without need. But where more of the answer followed it, it was
    none, and the next one counts (gcli2api tells ``stop`` with each chunk).
    """

    def __init__(self) -> None:
        self._reason: str | None = None
        self._went_on = False

    @property
    def told(self) -> bool:
        return self._reason is not None

    def see(self, reason: object, *, said: bool) -> None:
        """``reason`` of a chunk; ``said``: the chunk brought something of the answer. Google adds its own reason behind
        a colon."""
        self._went_on = self._went_on or (said and self.told)
        word = reason.partition(":")[0].strip().lower() if isinstance(reason, str) else ""
        if word not in _NO_REASON and (not self.told or self._went_on):
            self._reason, self._went_on = word, False

    @property
    def failure(self) -> str | None:
        """The type of the error that the reason is; None: it is none."""
        return _FAILED.get(self._reason or "")

    @property
    def failed_with(self) -> str:
        return f"the provider broke the answer off ({self._reason})"

    @property
    def no_room(self) -> bool:
        """The window is full."""
        return self._reason == _NO_ROOM

    @property
    def cut(self) -> bool:
        """A limit of length ended it, perhaps in the midst of a call."""
        return self.no_room or self._reason in _CUT

    @property
    def refused(self) -> bool:
        return self._reason in _REFUSED
