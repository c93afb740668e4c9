"""Accuracy of inferred networks: TFs' targets in a cell line against ChIP-seq targets of that TF in that very line."""
