"""Intervals, transcription start sites, sequence and motifs."""
