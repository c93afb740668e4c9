"""From fragments to counts in regions: barcodes judged, peaks called on pseudobulks, fragments counted."""
