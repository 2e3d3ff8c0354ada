"""What a node keeps: one SQLite file, reached through peewee, and a directory of files named by their digest."""
