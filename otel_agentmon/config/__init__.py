"""How any configuration is read: YAML, environment, every error with its path."""
