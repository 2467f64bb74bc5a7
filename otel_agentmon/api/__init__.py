"""The window for programs: one file per HTTP API."""
