"""The agent side: stands alone and imports only `semconv`. Not built yet."""
