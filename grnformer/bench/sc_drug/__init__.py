"""Single-cell drug response: from bulk screens to single cells, whose responses no model has seen."""
