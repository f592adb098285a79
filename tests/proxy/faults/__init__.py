"""Providers that fail in every way, on real sockets: what the client, the upstreams, the record and health see."""
