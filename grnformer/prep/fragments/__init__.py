"""From fragments to counts in regions: filter barcodes, call peaks on pseudobulks, count fragments."""
