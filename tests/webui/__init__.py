"""What a neighbour sees."""
