"""What the tests with real servers ask."""

from typing import Any

QUESTION: Any = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello?"}]}
SCHEMA = {"type": "object", "properties": {"file_path": {"type": "string"}}, "required": ["file_path"]}
TOOLS: Any = [{"name": "Read", "description": "Reads.", "input_schema": SCHEMA}]
