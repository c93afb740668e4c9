"""In-silico perturbation of any gene: through a network (signed propagation) and through a pretrained model."""
