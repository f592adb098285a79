"""Characters that a server cut in two: their first half ends the text of one event, the second begins the next one's.

It happens to servers that count UTF-16 units and to those that cut a text at a fixed length; JSON writes such halves
as escapes (``\\ud83d`` and ``\\ude00``). They are put together before anybody decodes them.
"""

import re

_HALF = re.compile(
    rb'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<first>u[dD][89abAB][0-9a-fA-F]{2})(?=")|.)'
    rb'|"(?P<second>\\u[dD][c-fC-F][0-9a-fA-F]{2})',
    re.DOTALL,
)


class SplitCharacters:
    """Joins the halves in the events of one stream."""

    def __init__(self) -> None:
        self._first = b""

    def joined(self, data: bytes) -> bytes:
        """``data`` with the half that came before in its place, and without a half at the end of a text: that waits for
        the next event."""
        if b"\\ud" not in data and b"\\uD" not in data:
            return data
        before = self._first

        def place(found: "re.Match[bytes]") -> bytes:
            if found["first"]:
                self._first = found[0]
                return b""
            if found["second"]:
                self._first = b""
                return b'"' + before + found["second"]
            return found[0]

        return _HALF.sub(place, data)
