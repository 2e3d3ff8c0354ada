"""The proof, room by room: the packages below mirror the house."""
