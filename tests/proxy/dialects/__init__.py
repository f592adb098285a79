"""Wire formats there and back: requests against the vendors' own types, answers against Anthropic's grammar."""
