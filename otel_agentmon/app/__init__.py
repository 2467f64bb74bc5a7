"""Puts the rooms together: command line, configuration, wiring, life cycle."""
