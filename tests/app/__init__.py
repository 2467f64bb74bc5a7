"""Tests of the shell around the rooms."""
