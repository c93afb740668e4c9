"""Gene regulatory networks: TFs, region-gene links, cistromes, eRegulons, cell-type and cell-specific GRNs."""
