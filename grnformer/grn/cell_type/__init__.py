"""Cell-type GRNs: the eRegulons of a type, on the regions open in it, as one edge table per type."""
