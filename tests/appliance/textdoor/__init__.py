"""The text door: what is typed, and how answers are cut."""
