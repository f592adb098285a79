"""Which models count text alike: only families whose makers say so. Pure.

Claude: Anthropic's page on token counting tells that Opus from 4.7 on, Sonnet 5, Fable 5 and Mythos have a newer
tokenizer, which makes about 30 percent more tokens of the same text than earlier models'. OpenAI: the table of its
library tiktoken, ``o200k_base``. Any other model is only known to count like itself.
"""

import re
from functools import lru_cache

from proxy.protocol.naming import canonical

_FAMILIES = {
    "claude, newer": re.compile(r"claude-(opus-(4-[789]|[5-9])(-\d+)*|(sonnet|fable|mythos)-5|mythos-preview)"),
    "claude, earlier": re.compile(r"claude-(3|4)(-[\w-]+)?|claude-(opus|sonnet|haiku)-4(-\d+)?"),
    "o200k_base": re.compile(r"gpt-(5|4o|4-1)(-(mini|nano|pro))?|o1(-(mini|pro|preview))?|o3(-(mini|pro))?|o4-mini"),
}


@lru_cache(maxsize=4096)
def tokenizer(model: str) -> str:
    """A name for how ``model`` counts: models of the same name count alike."""
    name = canonical(model)
    plain, _, _ = name.partition(":")
    return next((family for family, names in _FAMILIES.items() if names.fullmatch(plain)), name)
