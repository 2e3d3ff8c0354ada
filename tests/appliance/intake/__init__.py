"""What people bring: sound files, hostile ones, real ones."""
