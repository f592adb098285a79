"""Requests as their targets get them: the client's own bytes, or a translation into the target's format.

What may be sent where is decided in ``protocol`` and ``dialects``; this brings together what they must know.
"""

from functools import cache

from proxy.catalog import ModelCatalog
from proxy.dialects.conversation import NotAConversation
from proxy.dialects.dialect import CannotTake, Dialect, Occasion, Outgoing
from proxy.dialects.refusals import with_refusals
from proxy.fitting import Fitting
from proxy.lessons import least_output
from proxy.net.attempt import Parcel
from proxy.net.exchange import Exchange
from proxy.protocol.foreign_json import NotJson, read_json
from proxy.protocol.messages import Body
from proxy.protocol.naming import is_claude_as_asked
from proxy.protocol.output_limit import LEAST_LEFT
from proxy.protocol.overflow import MARGIN
from proxy.protocol.rejections import BETA_HEADER, betas_without_rejected
from proxy.protocol.routing import Target
from proxy.protocol.terms import Terms, on_terms
from proxy.providers import ProviderConfig
from proxy.rejections import RejectionBook
from proxy.workers import for_traffic

BESIDE_BYTES = 200_000
"""Translating a larger body takes milliseconds: that is done in a thread, beside the streams."""


class Parcels:
    """Makes the parcel of each attempt."""

    def __init__(
        self,
        catalog: ModelCatalog,
        fitting: Fitting,
        rejected: RejectionBook,
    ) -> None:
        self._catalog = catalog
        self._fitting = fitting
        self._rejected = rejected

    async def of(self, exchange: Exchange, target: Target, provider: ProviderConfig) -> Parcel:
        """Raises ``CannotTake`` where the request cannot be said in the target's format."""
        make = self._translated if provider.translated else self._as_it_is
        reads = provider.translated or provider.quirks.thinking_back
        if not reads or exchange.body is None or len(exchange.raw_body) < BESIDE_BYTES:
            return make(exchange, target, provider)
        return await for_traffic(make, exchange, target, provider)

    def _as_it_is(self, exchange: Exchange, target: Target, provider: ProviderConfig) -> Parcel:
        path = exchange.path + exchange.query
        if provider.real_claude:
            body, changed = self._fitting.body_for(exchange, target)
        else:
            body, changed = self._fitting.body_for(exchange, target, self._terms(exchange, target, provider))
        return Parcel(path, body, changed)

    def _terms(self, exchange: Exchange, target: Target, provider: ProviderConfig) -> Terms:
        rejections = self._rejected.of(target)
        quirks = with_refusals(provider.quirks, rejections)
        same = target.model == exchange.asked_model
        listed = None if same else self._catalog.output_limit(target.provider, target.model)
        return Terms(
            rejections,
            output_limit=least_output(rejections, listed),
            left=self._left(exchange, target),
            effort_without_thinking=quirks.effort_without_thinking,
            thinking_back=quirks.thinking_back,
        )

    def _left(self, exchange: Exchange, target: Target) -> int | None:
        """Tokens that the target's window leaves for the answer, by the estimate; None: not known."""
        if is_claude_as_asked(exchange.asked_model, target.model):
            return None
        window = self._catalog.window(target.provider, target.model)
        if window is None:
            return None
        return max(LEAST_LEFT, window - round(self._fitting.prompt_tokens(exchange, target) * MARGIN))

    def _translated(self, exchange: Exchange, target: Target, provider: ProviderConfig) -> Parcel:
        dialect = dialect_of(provider)
        if exchange.body is None:
            raise CannotTake(f"{provider.name} does not speak Anthropic's format, so it has no {exchange.path}")
        own = provider.speaks_claude
        body, changed = self._fitting.legal(exchange.body, exchange, target, dialect_tells=not own)
        terms = self._terms(exchange, target, provider) if own else Terms(left=self._left(exchange, target))
        body, more = on_terms(body, terms)
        occasion = self._occasion(exchange, target, provider)
        outgoing = _outgoing(dialect, body, occasion, counts=exchange.kind == "count_tokens")
        reader = None if exchange.kind == "count_tokens" else dialect.reader(outgoing, occasion)
        accept = b"text/event-stream" if exchange.streaming else b"application/json"
        headers = ((b"accept", accept), *outgoing.headers)
        return Parcel(outgoing.path, outgoing.body, (*changed, *more, *outgoing.notes), headers, dialect, reader)

    def _occasion(self, exchange: Exchange, target: Target, provider: ProviderConfig) -> Occasion:
        entry, rejections = self._catalog.find(target.provider, target.model), self._rejected.of(target)
        told = (value.decode("latin-1") for name, value in exchange.raw_headers if name == BETA_HEADER)
        betas = (betas_without_rejected(value, rejections) for value in told)
        return Occasion(
            model=target.model,
            message_id=f"msg_{exchange.id}{len(exchange.attempts):02d}",
            input_tokens=self._fitting.prompt_tokens(exchange, target),
            quirks=with_refusals(provider.quirks, rejections),
            session=exchange.identity.session,
            max_output_tokens=least_output(rejections, entry.max_output_tokens if entry else None),
            images=entry.images if entry else None,
            betas=tuple(each.strip() for value in betas for each in value.split(",") if each.strip()),
        )


def _outgoing(dialect: Dialect, body: Body, occasion: Occasion, *, counts: bool) -> Outgoing:
    """Raises ``CannotTake``."""
    try:
        decoded = read_json(body.raw)
        outgoing = dialect.count_request(decoded, occasion) if counts else dialect.request(decoded, occasion)
    except (NotJson, NotAConversation) as error:
        raise CannotTake(str(error)) from error
    if outgoing is None:
        raise CannotTake("the format has no way to count tokens")
    return outgoing


def can_count(provider: ProviderConfig, model: str) -> bool:
    """Whether ``provider`` counts a prompt's tokens for ``model``, as far as its settings and its format tell."""
    if not provider.count_tokens or not provider.translated:
        return provider.count_tokens
    shortest = {"messages": [{"role": "user", "content": "?"}]}
    return dialect_of(provider).count_request(shortest, Occasion(model=model, message_id="msg_0")) is not None


def dialect_of(provider: ProviderConfig) -> Dialect:
    """The dialect that ``provider`` speaks, which is not Anthropic's."""
    return _dialect(provider.dialect)


@cache
def _dialect(name: str) -> Dialect:
    """Each is imported when the first request needs it."""
    match name:
        case "openai-chat":
            from proxy.dialects.openai_chat import OpenAIChat  # noqa: PLC0415

            return OpenAIChat()
        case "openai-responses":
            from proxy.dialects.openai_responses import OpenAIResponses  # noqa: PLC0415

            return OpenAIResponses()
        case "gemini":
            from proxy.dialects.gemini import Gemini  # noqa: PLC0415

            return Gemini()
        case "bedrock":
            from proxy.dialects.bedrock import Bedrock  # noqa: PLC0415

            return Bedrock()
        case "vertex":
            from proxy.dialects.vertex import Vertex  # noqa: PLC0415

            return Vertex()
        case _:
            raise ValueError(f"{name} is no dialect that is translated")
