"""What an answer used, with every kind of token in it, and what Claude Opus costs for that."""

USAGE = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 1000,
    "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400},
    "cache_read_input_tokens": 20_000,
    "output_tokens": 42,
}
OPUS_NANO_USD = 12 * 5_000 + 600 * 6_250 + 400 * 10_000 + 20_000 * 500 + 42 * 25_000
"""At five dollars per million tokens in and twenty-five out."""
