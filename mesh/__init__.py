"""Signed records and how they travel. Knows no money, no zine, no Flask and no SQLite."""
