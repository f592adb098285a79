"""A language model of a few hundred tokens, and llama.cpp's own server in front of it.

Run by the Python that ``CCTUI_TEST_LLAMA`` names, which has ``xllamacpp`` (llama.cpp's server in a wheel) and ``gguf``:
``python tiny_model.py FOLDER CONTEXT PATH`` prints the port and serves until its input ends. The weights say which
token follows which, so that what the model says is known: a sentence; with tools, a call that reads the file PATH;
after a result, a word on it. All else is real: tokenizer, chat template, sampling, the grammar of tool calls, the
formats of the server.
"""

import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MODEL = "tiny"
SAID = "Hello from a tiny model."
AFTER = "It was read."
WIDTH = 320
"""Of a token's vector: one number for each token of the vocabulary, and some to spare."""
HEAD = 32
BYTES = 256
END, USER, SAY, CALL, DONE = "<|end|>", "<|user|>", "<|say|>", "<|call|>", "<|done|>"
CONTROLS = (END, USER, SAY, CALL, DONE)
TEMPLATE = """{%- for message in messages -%}
{%- if message.role == 'user' or message.role == 'tool' -%}<|user|>{{ message.content }}
{%- elif message.role == 'assistant' -%}{{ message.content or '' }}
{%- for call in message.tool_calls or [] -%}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{%- endfor -%}<|end|>
{%- endif -%}{%- endfor -%}
{%- if add_generation_prompt -%}
{%- if messages[-1].role == 'tool' -%}<|done|>{%- elif tools -%}<|call|>{%- else -%}<|say|>{%- endif -%}
{%- endif -%}"""


def chains(path: str) -> Sequence[Sequence[str]]:
    """What follows what: no token stands in two places, for the model sees one token back."""
    call = ["<tool_call>", "\n", '{"name": "Read", "arguments": ', json.dumps({"file_path": path}), "}\n"]
    return (
        [SAY, *_words(SAID), END],
        [CALL, *call, "</tool_call>", END],
        [DONE, *_words(AFTER), END],
    )


def write_model(target: Path, path: str) -> None:
    """The model as a GGUF file: one layer without effect between an identity and the table of what follows."""
    import gguf

    followed = chains(path)
    words = [*CONTROLS, *dict.fromkeys(word for chain in followed for word in chain if word not in (*CONTROLS, "\n"))]
    writer = gguf.GGUFWriter(target, "llama")
    _describe(writer)
    _name_tokens(writer, words)
    for name, tensor in _weights(followed, words).items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: Any) -> None:
    writer.add_context_length(2**18)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HEAD)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-6)


def _name_tokens(writer: Any, words: Sequence[str]) -> None:
    """Every byte is a token, and every word of the model's."""
    import gguf

    kinds = [gguf.TokenType.NORMAL] * BYTES
    kinds += [gguf.TokenType.CONTROL if word in CONTROLS else gguf.TokenType.USER_DEFINED for word in words]
    end = BYTES + words.index(END)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*_letters(), *words])
    writer.add_token_types(kinds)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def _weights(followed: Sequence[Sequence[str]], words: Sequence[str]) -> dict[str, Any]:
    """What is followed by nothing is followed by the end."""
    import numpy as np

    number = {word: BYTES + place for place, word in enumerate(words)} | {"\n": ord("\n")}
    seen = np.eye(BYTES + len(words), WIDTH, dtype=np.float32)
    follows = np.zeros_like(seen)
    follows[number[END], :] = 1
    for before, after in (pair for chain in followed for pair in pairwise(chain)):
        follows[number[after], number[before]] = 5
    whole = np.ones(WIDTH, np.float32)
    inward, outward = np.zeros((HEAD, WIDTH), np.float32), np.zeros((WIDTH, HEAD), np.float32)
    return {
        "token_embd": seen,
        "output": follows,
        **dict.fromkeys(("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"), whole),
        **dict.fromkeys((f"blk.0.{name}" for name in ("attn_q", "attn_k", "attn_v", "ffn_gate", "ffn_up")), inward),
        **dict.fromkeys(("blk.0.attn_output", "blk.0.ffn_down"), outward),
    }


def serve(model: Path, context: int) -> None:
    """llama.cpp's server on a free port of this machine, until the input ends."""
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(model)
    wanted.model_alias = {MODEL}
    wanted.hostnames, wanted.port = ["127.0.0.1"], 0
    wanted.n_ctx, wanted.n_parallel = context, 1
    wanted.use_jinja, wanted.warmup = True, False
    wanted.sampling.temp = 0.0
    server = xllamacpp.Server(wanted)
    print(urlsplit(server.listening_address).port, flush=True)
    sys.stdin.read()
    del server


def _words(sentence: str) -> list[str]:
    """``Hello from`` as ``Hello`` and `` from``: each begins with the blank before it."""
    first, *rest = sentence.split(" ")
    return [first, *(f" {word}" for word in rest)]


def _letters() -> list[str]:
    """The letter that stands for each byte in a vocabulary of GPT-2's kind."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(BYTES) if byte not in plain]
    return [chr(byte) if byte in plain else chr(BYTES + others.index(byte)) for byte in range(BYTES)]


if __name__ == "__main__":
    folder, context, path = sys.argv[1:]
    write_model(Path(folder) / "tiny.gguf", path)
    serve(Path(folder) / "tiny.gguf", int(context))
