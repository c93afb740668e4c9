"""The report: one self-contained page, and the same numbers as tables."""
