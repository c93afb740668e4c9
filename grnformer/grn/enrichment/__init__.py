"""Motifs enriched in region sets and near co-expressed genes."""
