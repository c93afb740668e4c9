"""Region-gene links. Accessibility methods by name; each takes (Data, metacell_size, seed) and gives a Signal."""

from grnformer.grn.region_gene import binary, metacells, topics

METHODS = {"topics": topics.impute, "binary": binary.observe, "metacells": metacells.pool}
