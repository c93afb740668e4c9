"""Networks against ChIP-seq."""

from __future__ import annotations

from grnformer.settings.key import File, Settings, Word, key


class Line(Settings):
    """A cell type and its cell line."""

    dataset: Word = key(..., "as in the sample sheet")
    cell_type: Word = key(..., "as annotated or clustered in prep")
    line: Word = key(..., "name of the cell line in the truth")


class GrnAccuracy(Settings):
    """Networks against ChIP-seq."""

    lines: list[Line] = key(
        [
            {"dataset": "snareseq", "cell_type": "K562", "line": "K562"},
            {"dataset": "snareseq", "cell_type": "GM12878", "line": "GM12878"},
            {"dataset": "snareseq", "cell_type": "H1", "line": "H1"},
        ],
        "cell types with ChIP-seq of their cell line; other datasets and types are not scored; []: no benchmark",
    )
    truth: File = key(
        "resource:tf_chip_targets.json",
        'JSON of "<TF> <line>" -> target genes; a path or resource:<name>',
    )
    aliases: dict[str, Word] = key(
        {
            "BRG1": "SMARCA4",
            "KAP1": "TRIM28",
            "NF-YA": "NFYA",
            "NFKB": "RELA",
            "NRSF": "REST",
            "SREBP2": "SREBF2",
            "TR4": "NR2C2",
        },
        "name of an experiment in the truth -> gene symbol",
    )
    tfs: File = key(
        "resource:motif_tfs.tsv.gz",
        "TF symbols, one a line; experiments of proteins without a known DNA motif are left out; a path or "
        "resource:<name>",
    )
    networks: dict[str, File] = key(
        {},
        "name -> network of another tool, scored in every line, in any form that grn.given takes "
        "(docs/your-own-network.md)",
        names={"pattern": "^[A-Za-z0-9_-]+$"},
    )
    min_positives: int = key(
        10, "target genes a TF must have among those detected", unit="genes", ge=1
    )
    promoter_margin: int = key(1000, "to both sides of a TSS", unit="bp", ge=0)
    binding_weight: float = key(
        4,
        "weight of the log odds of binding at promoters beside the baseline's, in the networks binding_with_baseline "
        "and binding_prior_with_linked_baseline; with tables of targets, the choice of each two lines for the third",
        ge=0,
    )
    prior_log_odds: float = key(
        1,
        "log odds that a pair of TF and gene in the prior without ChIP adds, in binding_prior_with_linked_baseline; "
        "chosen on GM12878 and H1",
        ge=0,
    )
    link_decay: float = key(
        5000,
        "from a TSS, where the weight of an accessible region falls to 1/e, in the baseline "
        "linked_accessibility_expression; tried on K562",
        unit="bp",
        gt=0,
    )
