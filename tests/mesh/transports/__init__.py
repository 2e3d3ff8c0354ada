"""Every road, tried by the same tests."""
