"""Benchmarks: every score beside its naive baselines, its controls and an interval."""
