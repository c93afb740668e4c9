"""What trained models are used for: embeddings, reference mapping, held-out scores, attention."""
