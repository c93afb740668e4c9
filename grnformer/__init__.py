"""Gene regulatory networks from paired single-cell RNA + ATAC, built into RNA foundation models."""

__version__ = "0.1.0"
