"""The history of requests in SQLite: one writer in a thread, readers with connections of their own."""
