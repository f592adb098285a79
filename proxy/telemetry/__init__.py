"""OpenTelemetry: ended requests as spans and metrics, for a collector that a team already runs."""
