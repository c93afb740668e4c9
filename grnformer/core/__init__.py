"""What every stage stands on: errors, files and their contracts, fingerprints, jobs, resources."""
