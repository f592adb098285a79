"""Wire formats: a request of the Messages API one way, stream and whole answer the other. Pure, one module a format."""
