"""The simulator's words. Texts and their arrangement by a key; pure."""

from collections.abc import Sequence

from proxy.simulator.plan import draw

GREETING = (
    "Hi! This is the simulator of cctui speaking: no model, no network and no money behind it. "
    "Your message went through the engine like any other request, so you can watch it in the panel, "
    "switch providers, or try the fallback. Ask anything and an answer will stream at the pace of a real model; "
    "the words are made up."
)

FILE_CONTENT = "This file was written on request of the cctui simulator.\nNo model was asked.\n"

_OPENINGS = (
    "I went through the code that this touches.",
    "Here is what stands out.",
    "The short version: it is one place, and it is small.",
    "I followed the call from the entry point down.",
    "Two things belong together here.",
)

_FINDINGS = (
    "The handler starts its retry before the idempotency key is stored, so a slow first try is sent twice.",
    "The cache key leaves out the tenant, and the second customer sees the first one's prices.",
    "Validation happens after the row is written, and the error path never removes it.",
    "The connection is opened per call, which explains the pauses under load.",
    "The time zone is taken from the server and not from the order.",
    "The test passes because its fixture freezes the clock that the code is supposed to read.",
    "Pagination stops one page early when the total is a multiple of the page size.",
    "The queue acknowledges a message before the work is done, so a restart loses it.",
    "The migration adds the column without a default, and old workers fail on it until they are replaced.",
    "The log line formats the whole payload, even where the level is off.",
    "The lock is released in the happy path alone.",
    "Both callers catch the same exception and one of them hides the cause.",
)

_STEPS = (
    "store the key first, then send",
    "add the tenant to the cache key and clear the old entries",
    "move validation in front of the write",
    "share one pooled client for the process",
    "keep times in UTC and convert at the edge",
    "inject the clock and test both sides of midnight",
    "compare with the total instead of the page length",
    "acknowledge after the commit",
    "ship the column nullable, backfill, then tighten it",
    "pass arguments to the logger and let it format",
    "release the lock in a finally block",
    "raise from the cause and keep one handler",
)

_SNIPPETS = (
    "def submit(order, *, key):\n    with reserve(key) as slot:\n        return slot.result or send(order)\n",
    "def page(items, number, size):\n    start = number * size\n    return items[start : start + size]\n",
    "async with pool.acquire() as connection:\n    row = await connection.fetch_one(QUERY, tenant, sku)\n",
    "try:\n    lock.acquire()\n    apply(change)\nfinally:\n    lock.release()\n",
)

_ENDINGS = (
    "The existing tests cover the first case; I would add one for the second.",
    "Nothing else calls this function, so the change stays local.",
    "I left the public interface as it is.",
    "If that reads right, the change is about twenty lines.",
    "This answer is simulated, so check nothing in because of it.",
)

_THOUGHTS = (
    "The request names a symptom; the cause has to be upstream of it.",
    "First see who calls this, then what they expect when it fails.",
    "The retry wraps the whole function, and with it the part that must not repeat.",
    "A smaller change is possible if the key is computed by the caller.",
    "There may be a second path that never takes the lock.",
    "Check the test before trusting it: it might freeze what it ought to vary.",
    "The schema allows null here, so an empty answer is legal.",
    "Keep the public signature; there are callers outside this repository.",
)

_ANNOUNCEMENTS = (
    "I will do that now.",
    "Let me take that step first.",
    "That needs a look at the files.",
)

_CLOSINGS = (
    "Done. The tool's result came back as expected.",
    "That worked, and this part is finished.",
    "The step is complete.",
)


def essay(key: str, said: str) -> str:
    """A Markdown answer of 80 to 250 words."""
    findings = _some(_FINDINGS, key, "findings", 3, 6)
    parts = [f"{_about(said)}{_pick(_OPENINGS, key, 'opening')}", " ".join(findings)]
    if draw(key, "list") < 0.7:
        parts.append("\n".join(f"- {step}" for step in _some(_STEPS, key, "steps", 3, 5)))
    if draw(key, "code") < 0.5:
        parts.append(f"```python\n{_pick(_SNIPPETS, key, 'snippet')}```")
    return "\n\n".join([*parts, _pick(_ENDINGS, key, "ending")])


def thoughts(key: str) -> str:
    return " ".join(_some(_THOUGHTS, key, "thoughts", 3, 6))


def announcement(key: str) -> str:
    return _pick(_ANNOUNCEMENTS, key, "announcement")


def closing(key: str) -> str:
    """What follows a tool's result: three to five sentences."""
    return f"{_pick(_CLOSINGS, key, 'closing')} {' '.join(_some(_FINDINGS, key, 'findings', 2, 4))}"


def title(said: str) -> str:
    """A few words of what was said, as a title."""
    return " ".join(said.split()[:6])[:60].strip(" .,:;?!") or "Simulated session"


def _about(said: str) -> str:
    """Names the subject, so that an answer can be told from its neighbours."""
    first = next((line.strip() for line in said.splitlines() if line.strip()), "")
    return f"On “{first[:70].rstrip()}”: " if first else ""


def _pick(texts: Sequence[str], key: str, what: str) -> str:
    return texts[int(draw(key, what) * len(texts))]


def _some(texts: Sequence[str], key: str, what: str, least: int, most: int) -> list[str]:
    """``least`` to ``most`` different texts in an order of their own."""
    count = least + int(draw(key, what) * (most - least + 1))
    return sorted(texts, key=lambda text: draw(key, what, text))[:count]
