"""Shared by all stages: errors, files and their contracts, fingerprints, jobs, resources."""
