"""Figures that anybody can measure again: bytes and airtime are exact, times are ratios taken in one run."""
