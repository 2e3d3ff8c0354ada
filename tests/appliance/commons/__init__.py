"""Tests of the commons' core."""
