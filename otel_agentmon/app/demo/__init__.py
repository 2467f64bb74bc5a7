"""Sample agents on the public API of the OpenTelemetry SDK: `agentmon demo`, and an example."""
