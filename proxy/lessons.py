"""What a refusal teaches of its target: fields of Anthropic's format, quirks of a server, the length of an answer.

Pure: a refusal in, what is to be remembered out. The book of it is ``rejections``.
"""

from collections.abc import Sequence

from proxy.dialects.refusals import read_refusal, with_refusals
from proxy.net.exchange import Exchange
from proxy.protocol.output_limit import asks_more, read_output_limit
from proxy.protocol.rejections import Rejection, concerns, read_rejection
from proxy.providers import ProviderConfig


def lesson_of(
    message: str, exchange: Exchange, provider: ProviderConfig, known: Sequence[Rejection]
) -> Rejection | None:
    """What to leave out before ``exchange`` is sent again, beside what is ``known``; None where ``message`` names
    nothing that the request has."""
    body = exchange.body
    if body is None or provider.real_claude:
        return None
    if (most := read_output_limit(message)) is not None:
        return Rejection("max_tokens", most=most) if asks_more(body, most) else None
    refusal = read_refusal(message, anthropic=provider.speaks_claude)
    if refusal is not None and _is_news(refusal, provider, known):
        return refusal
    if not provider.speaks_claude:
        return None
    rejection = read_rejection(message)
    return rejection if rejection is not None and concerns(rejection, body, exchange.raw_headers) else None


def least_output(rejections: Sequence[Rejection], listed: int | None) -> int | None:
    """The most tokens that a target answers with, by its list and by its refusals."""
    told = [each.most for each in rejections if each.most is not None]
    return min([*told, *([listed] if listed is not None else [])], default=None)


def _is_news(refusal: Rejection, provider: ProviderConfig, known: Sequence[Rejection]) -> bool:
    """The target is not yet spared what it refuses."""
    return with_refusals(provider.quirks, [*known, refusal]) != with_refusals(provider.quirks, known)
