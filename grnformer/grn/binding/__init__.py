"""Binding evidence: motifs on promoter sequences, as log odds that the sequence is no background."""
