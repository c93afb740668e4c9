"""Motif evidence: ranking databases, motif-to-TF tables, enrichment in region sets, scanning of sequence."""
