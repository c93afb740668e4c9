"""Training: cells streamed from disk, Lightning, checkpoints, held-out scores, embeddings."""
