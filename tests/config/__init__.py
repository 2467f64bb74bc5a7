"""Tests of how configuration is read."""
