"""Benchmarks: one for each claim, every number beside its anchor, both measured in one run."""
