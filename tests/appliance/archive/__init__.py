"""The archive: what is printed and how it folds."""
