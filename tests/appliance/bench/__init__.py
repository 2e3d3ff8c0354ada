"""Figures that are measured, and what makes them fail."""
