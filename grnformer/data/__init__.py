"""Cells on disk as batches of tokens."""
