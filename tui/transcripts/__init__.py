"""Claude Code's own transcripts, read only: ``~/.claude/projects/**/*.jsonl``."""
