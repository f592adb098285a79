"""What the panel knows and how it words it: pure, without Textual, a clock or a socket."""
