"""A stand-in for Meshtastic devices, at the wire: what the real client package finds where it looks for a radio."""
