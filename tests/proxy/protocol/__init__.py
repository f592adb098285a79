"""The pure core: bytes and values in, decisions out."""
