"""Benchmarks: every score beside its naive floors, its controls and an interval."""
