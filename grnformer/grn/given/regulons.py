"""Regulons of pySCENIC and gene sets, as TF-gene pairs; names of regulons with their signs."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import read_lines, read_rows

_SIGN = {"+": 1, "-": -1, "activating": 1, "repressing": -1}
# GATA1(+), GATA1 (+), GATA1(+)-motif, GATA1_(+)
_REGULON = re.compile(r"(?P<tf>.+?)[ _]?\((?P<sign>[+-])\)(-motif|-track)?( \(\d+g\))?")
# GATA1_direct_+/+, GATA1_direct_+/+_(120g), GATA1_direct_+/+ (120g), GATA1_+_+_(120g), GATA1_extended_-_+,
# GATA1_direct_+/0
_EREGULON = re.compile(
    r"(?P<tf>.+?)(_(?P<annotation>direct|extended|given))?_(?P<sign>[+-])[/_](?P<regions>[+-]|0)([_ ]\(\d+[gr]\))?"
)


def split_name(name: str) -> tuple[str, int, str, str]:
    """TF, sign (0: the name states none), annotation and sign of the regions of a regulon's or eRegulon's name."""
    if found := _EREGULON.fullmatch(name):
        annotation = found["annotation"] or "direct"
        return found["tf"], _SIGN[found["sign"]], annotation, found["regions"]
    if found := _REGULON.fullmatch(name):
        return found["tf"], _SIGN[found["sign"]], "given", "0"
    return name, 0, "given", "0"


def as_pairs(sets: list[tuple[str, list[tuple[str, float]]]]) -> pd.DataFrame:
    """Named sets of genes with their weights -> tf, gene, weight, sign, annotation, regions."""
    rows = [
        (tf, gene, weight, sign, annotation, regions)
        for name, genes in sets
        for tf, sign, annotation, regions in [split_name(name)]
        for gene, weight in genes
    ]
    columns = ["tf", "gene", "weight", "sign", "annotation", "regions"]
    return pd.DataFrame(rows, columns=columns)


def read_gene_sets(path: Path, setting: str) -> pd.DataFrame:
    """Read a GMT file: name, description, genes, separated by tabs; the name is that of the TF, with its sign.

    pySCENIC (ctxcore's ``GeneSignature.to_gmt``) writes commas at the ends of name and description.
    """
    sets = []
    for number, line in read_lines(path, setting):
        name, _, *genes = (field.strip() for field in line.split("\t"))
        genes = [gene for gene in genes if gene]
        name = name.rstrip(",")
        if not name or not genes:
            raise InputError(
                f"{path} line {number} has no name or no genes",
                "name, description and genes, separated by tabs",
                f"correct the line, or {setting}",
            )
        sets.append((name, [(gene, 1.0) for gene in genes]))
    return as_pairs(sets)


def read_enriched_motifs(path: Path, setting: str) -> pd.DataFrame:
    """Read what ``pyscenic ctx`` writes as .csv or .tsv: a row a motif, three lines of header.

    As pySCENIC makes regulons of it (Van de Sande et al. 2020, doi 10.1038/s41596-020-0336-2): targets of all motifs of
    a TF are united, repressing where the module was, a gene's weight is the largest.
    """
    with path.open(encoding="utf-8") as file:
        separator = "\t" if "\t" in file.readline() else ","
    rows = read_rows(path, setting, separator=separator, comments=())
    header = rows.iloc[1].tolist()
    columns = {
        name: header.index(name)
        for name in ("Context", "TargetGenes")
        if name in header
    }
    if len(columns) < 2:
        raise InputError(
            f"{path}: enriched motifs without the columns Context and TargetGenes",
            "the table that pyscenic ctx writes",
            f"write it again, or correct {setting}",
        )
    sets = []
    for line, row in rows.iloc[3:].iterrows():
        context = _literal(row[columns["Context"]], path, line, setting)
        targets = _literal(row[columns["TargetGenes"]], path, line, setting)
        sign = "-" if "repressing" in context else "+"
        genes = [(str(gene), float(weight)) for gene, weight in targets]
        sets.append((f"{row[0]}({sign})", genes))
    return as_pairs(sets)


def _literal(text: str, path: Path, line: Any, setting: str) -> Any:
    """A list or frozenset as Python writes it."""
    inner = re.fullmatch(r"frozenset\((.*)\)", text, re.DOTALL)
    # newer numpy writes np.float64(1.5)
    plain = re.sub(r"np\.float\d+\(([^()]*)\)", r"\1", inner[1] if inner else text)
    try:
        return ast.literal_eval(plain) if plain else set()
    except (ValueError, SyntaxError) as error:
        raise InputError(
            f"{path} line {line}: {text[:60]!r}",
            "targets and context as pyscenic ctx writes them",
            f"write it again, or correct {setting}",
        ) from error
