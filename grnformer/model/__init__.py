"""Models: backbones, graph encoder, cross-attention adapter, edge perturbation."""
