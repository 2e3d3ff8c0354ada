"""Whole streets of real processes, used as a neighbour uses them: commands, pages, the API, and what they say on their roads."""
