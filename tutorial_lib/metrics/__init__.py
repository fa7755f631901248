"""Measures of how good generated samples are, in float64 (chapters 4, 6 and 9)."""
