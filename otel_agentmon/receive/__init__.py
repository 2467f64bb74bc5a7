"""OTLP in: from a socket to bytes that are known to be OTLP."""
