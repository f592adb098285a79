"""Pure code: bytes and events in, events and decisions out. No I/O, no clock, no random source."""
