"""The monitor for people who run AI agents: OTLP in, ClickHouse underneath, answers out."""

__version__ = "0.1.0"
