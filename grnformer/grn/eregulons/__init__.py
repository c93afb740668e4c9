"""eRegulons: TF-region-gene triplets (Bravo González-Blas et al. 2023, doi 10.1038/s41592-023-01938-4)."""
