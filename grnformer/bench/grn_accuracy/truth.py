"""True targets: ChIP-seq targets by TF and cell line."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Truth:
    """True targets of the TFs of one cell line.

    Attributes
    ----------
    tfs
        Gene symbols of the TFs, sorted.
    targets
        (tfs, genes), boolean.
    included
        (tfs, genes), boolean: all genes but the TF's.
    """

    tfs: list[str]
    targets: np.ndarray
    included: np.ndarray


def read_truth(
    content: dict[str, Any],
    line: str,
    genes: list[str],
    *,
    known_tfs: set[str],
    aliases: dict[str, str],
    min_positives: int,
) -> tuple[Truth, pd.DataFrame]:
    """Take the TFs measured in one cell line, by its exact name; no other line's experiments are used.

    Parameters
    ----------
    content
        "<TF> <line>" -> target gene symbols.
    line
        Name of the line, as in the keys.
    genes
        The universe, in order: the genes that are scored.
    known_tfs
        Symbols of TFs; other proteins (polymerases, cyclins) are left out.
    aliases
        Name in the truth -> gene symbol. Experiments that get the same symbol are united.
    min_positives
        TFs with fewer targets in the universe, their gene aside, are left out.

    Returns
    -------
    The truth, and one row an experiment with what became of it, by contract ``grn_truth``.

    Raises
    ------
    InputError
        If the truth has no experiment of the line, or none that can be used.
    """
    number_of = {gene: number for number, gene in enumerate(genes)}
    rows = []
    targets: dict[str, set[int]] = {}
    # sorted: rows must not depend on the order of the file
    for key in sorted(content):
        name, _, of_line = key.rpartition(" ")
        if of_line != line:
            continue

        # the TF's gene is no target: an expression profile predicts itself
        tf = aliases.get(name, name)
        found = {
            number_of[gene] for gene in content[key] if gene in number_of and gene != tf
        }
        if tf not in known_tfs:
            fate = "no known TF"
        elif len(found) < min_positives:
            fate = f"fewer than {min_positives} targets"
        else:
            fate = "used"
            targets.setdefault(tf, set()).update(found)

        rows.append((line, name, tf, len(content[key]), len(found), fate))

    if not targets:
        lines = sorted({key.rpartition(" ")[2] for key in content})
        raise InputError(
            f"{len(rows)} experiments of the line {line!r} in the truth, none usable (lines there: {', '.join(lines)})",
            f"a TF with at least {min_positives} targets among the {len(genes)} genes detected",
            "correct bench.grn_accuracy.lines (cell type: name in the truth), or leave the cell type out",
        )

    tfs = sorted(targets)
    is_target = np.zeros((len(tfs), len(genes)), dtype=bool)
    for row, tf in enumerate(tfs):
        is_target[row, list(targets[tf])] = True
    # (tfs, 1) against (genes,): all pairs but a TF with its own gene
    included = np.array(tfs)[:, None] != np.array(genes)

    logger.info("%s: %d experiments, %d TFs used", line, len(rows), len(tfs))
    fates = pd.DataFrame(
        rows, columns=["line", "experiment", "tf", "targets", "positives", "fate"]
    )
    return Truth(tfs, is_target, included), fates
