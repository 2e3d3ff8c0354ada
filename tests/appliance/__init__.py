"""What one node keeps and promises."""
