"""The archive: zines, what is known about them, and the shelf a new node starts with. Pure."""
