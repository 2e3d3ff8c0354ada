"""Updates: the file, its signatures, and a card with two systems."""
