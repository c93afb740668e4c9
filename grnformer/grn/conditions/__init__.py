"""What differs between conditions within a cell type, with donors as replicates: eRegulons and edges."""
