"""The battery: counted, stepped down with, read from the wire, and lived with for a year."""
