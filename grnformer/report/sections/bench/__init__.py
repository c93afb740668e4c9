"""Sections of the benchmarks: one file a benchmark, and what all of them show."""
