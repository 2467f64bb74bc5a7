"""Mirrors the rooms: the tests of `otel_agentmon/<room>` are in `tests/<room>`."""
