"""The shorthand of narrow roads."""
