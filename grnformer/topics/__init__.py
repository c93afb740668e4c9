"""Topics: latent patterns of accessibility, and the region sets drawn from them."""
