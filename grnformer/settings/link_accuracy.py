"""Region-gene links against CRISPRi."""

from __future__ import annotations

from grnformer.settings.grn_accuracy import Line
from grnformer.settings.key import File, Settings, key


class LinkAccuracy(Settings):
    """Region-gene links against CRISPRi."""

    lines: list[Line] = key(
        [],
        "cell types with CRISPRi of their cell line, as the truth's CellType names it; []: no benchmark",
    )
    pairs: File = key(
        "resource:crispri_pairs_k562.tsv.gz",
        "TSV of pairs: chrom, chromStart, chromEnd, measuredGeneSymbol, distanceToTSS, CellType, Regulated "
        "and optionally ValidConnection; a path or resource:<name>",
    )
    least_distance: int = key(
        500, "added to a distance that is divided by", unit="bp", ge=1
    )
