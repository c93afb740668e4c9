"""Planted-truth multiomes: a small genome, a known network, and the counts, motifs and fragments that follow."""
