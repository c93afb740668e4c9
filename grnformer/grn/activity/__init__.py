"""eRegulon activity of single cells: AUCell, thresholds, specificity for cell types."""
