"""The first probes: is the key accepted, is the model listed, does a plain question get an answer, what is told of its
tokens and its price. Pure."""

from proxy.checkup.probe import (
    ROOM_TOKENS,
    Answer,
    Ask,
    Facts,
    Probe,
    Seen,
    Size,
    Verdict,
    degraded,
    dollars,
    failed,
    passed,
    question,
    skipped,
    unserved,
)

_REFUSED = {
    "key_refused": "the provider refused the key",
    "payment_required": "the credit is spent",
    "forbidden": "the key may not do this: look at its rights and its region",
}
CHARS_PER_TOKEN_MOST = 16
"""No tokenizer makes a token of so much plain text: fewer tokens are a wrong count."""
COUNT_OFF = 0.3
COUNT_OFF_TOKENS = 25
"""How far a count may be from what is billed: gateways add a few tokens of their own."""
_SOURCES = {
    "reported": "as the provider reports it",
    "listed": "by the provider's own list",
    "settings": "by the prices in your settings",
    "genai-prices": "by the bundled price list",
    "free": "it is free there",
}


def plain_question(seen: Seen) -> Ask:
    return Ask(question(f"Reply with exactly this word and nothing else: {seen.facts.code}"))


def _key(seen: Seen) -> Verdict:
    first = seen.answers[0]
    if first.outcome == "no_credential":
        return failed(first.record.error or "there is no key", first)
    if first.outcome in _REFUSED:
        return failed(": ".join(filter(None, (_REFUSED[first.outcome], first.words))), first)
    if first.served:
        return passed("accepted")
    return skipped("nobody can tell: no answer came that says so")


def _unlisted(facts: Facts) -> str | None:
    return None if facts.lists else "the provider has no model list"


def _list(seen: Seen) -> Verdict:
    facts = seen.facts
    if facts.list_error:
        return degraded(f"the model list cannot be read: {facts.list_error}")
    if facts.model not in facts.listed:
        near = ", ".join(facts.listed[:3]) or "nothing"
        verdict = degraded(
            f"{facts.model} is not in the list of {len(facts.listed)}: its window and price are not told"
        )
        return Verdict(verdict.verdict, verdict.text, f"listed: {near}")
    if len(facts.listed) == 1:
        return passed(f"{facts.model} and no other")
    return passed(f"{len(facts.listed):,} models, {facts.model} among them")


def _plain(seen: Seen) -> Verdict:
    answers = seen.others.get("key", ())
    if wrong := unserved(Seen(seen.facts, answers)):
        return wrong
    answer = answers[0]
    if seen.facts.code not in answer.text.upper():
        return failed("answered, but not what was asked for", answer)
    if (reason := answer.record.stop_reason) != "end_turn":
        return degraded(f"the answer is right, but says that it ended by {reason or 'nothing'}", answer)
    model = answer.record.served_model or "no name"
    return passed(f"answered as {model}")


def _usage(seen: Seen) -> Verdict:
    """Of a whole answer and of a stream: some gateways tell tokens in one of them only."""
    told = {"whole answers": seen.others.get("key", ()), "streams": seen.others.get("stream", ())}
    served = {where: answers[0] for where, answers in told.items() if answers and answers[0].served}
    if not served:
        return skipped("no answer came that could tell it")
    for where, answer in served.items():
        if trouble := _usage_trouble(where, answer):
            return trouble
    usage = next(iter(served.values())).record.usage
    return passed(f"told in {' and '.join(served)}: {usage.prompt_tokens:,} in, {usage.output_tokens:,} out")


def _usage_trouble(where: str, answer: Answer) -> Verdict | None:
    usage = answer.record.usage
    if answer.record.usage_estimated or not usage.total_tokens:
        return degraded(f"no tokens are told in {where}: what is shown and counted is an estimate", answer, "usage")
    least = len(answer.text) / CHARS_PER_TOKEN_MOST
    if usage.output_tokens < least or not usage.prompt_tokens:
        told = f"{usage.prompt_tokens:,} tokens in and {usage.output_tokens:,} out"
        return failed(f"wrong counts in {where}: {told} for an answer of {len(answer.text):,} letters", answer, "usage")
    return None


def _cost(seen: Seen) -> Verdict:
    answers = [each for each in seen.others.get("key", ()) if each.served]
    if not answers:
        return skipped("no answer came that costs anything")
    record = answers[0].record
    if not record.usage.total_tokens:
        return degraded("no tokens are told, so nobody can tell what they cost")
    if record.cost_nano_usd is None:
        return degraded("no price is known: costs and budgets leave it out until [prices] in the settings has one")
    return passed(f"{dollars(record, 6)} for a short answer, {_SOURCES[record.cost_source]}")


def _uncounted(facts: Facts) -> str | None:
    return None if facts.counts else "the provider has no count_tokens for it: the engine estimates"


def _count_question(seen: Seen) -> Ask:
    body = plain_question(seen).body
    return Ask({name: value for name, value in body.items() if name == "messages"}, counts=True)


def _count(seen: Seen) -> Verdict:
    answer = seen.answers[0]
    failures = [each for each in answer.record.attempts if each.outcome != "served"]
    if failures:
        return degraded(f"not counted, the engine estimates: {failures[-1].reason}")
    if answer.record.usage_estimated or answer.message is None:
        return degraded("not counted: the engine estimates", answer)
    counted = answer.message.get("input_tokens")
    billed = [each.record for each in seen.others.get("key", ()) if each.served and not each.record.usage_estimated]
    if not isinstance(counted, int) or not billed or not billed[0].usage.prompt_tokens:
        return passed(f"{counted} tokens")
    prompt = billed[0].usage.prompt_tokens
    if abs(counted - prompt) > max(COUNT_OFF_TOKENS, COUNT_OFF * prompt):
        return degraded(f"counts {counted:,} tokens for what it bills as {prompt:,}", answer)
    return passed(f"{counted:,} tokens, billed were {prompt:,}")


KEY = Probe("key", "key", _key, (plain_question,), Size(1, 30, 20, ROOM_TOKENS), gate=("fail",))
LIST = Probe("list", "model list", _list, unfit=_unlisted)
PLAIN = Probe("plain", "plain answer", _plain, needs=("key",), gate=("fail", "skipped"))
USAGE = Probe("usage", "usage", _usage, needs=("key", "stream"))
COST = Probe("cost", "price", _cost, needs=("key",))
COUNT = Probe("count", "count_tokens", _count, (_count_question,), Size(1), ("key",), _uncounted)
