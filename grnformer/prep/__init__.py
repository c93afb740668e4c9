"""Stage prep: from a sample sheet's files to one checked, filtered and annotated multiome."""
