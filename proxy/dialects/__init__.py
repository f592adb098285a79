"""Pure code: one module per wire format, the request on its way out and the answer on its way back."""
