"""Perturbation: which genes respond to the knock-down of a gene that training has not seen, and which way."""
