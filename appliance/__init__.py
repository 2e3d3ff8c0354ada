"""One node: what it keeps and promises. The only door in is `Node.accept`."""
