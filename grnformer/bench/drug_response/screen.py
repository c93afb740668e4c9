"""A drug screen made ready: replicates merged, drugs joined by structure, lines matched to their expression."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grnformer.bench.drug_response.structures import structure_key
from grnformer.core.errors import InputError

COLUMNS = ["CELL_LINE_NAME", "DRUG_NAME", "LN_IC50"]


@dataclass(frozen=True)
class Screen:
    """A prepared screen.

    Attributes
    ----------
    responses
        line, drug, ln_ic50 (natural log of the IC50 in micromolar), n_rows (rows of the source behind it).
    drugs
        drug, smiles, structure (key), aliases.
    expression
        lines x genes, in the unit of the source, rows in the order of the lines.
    counts
        step, found, kept, names: what was merged and lost on the way.
    """

    responses: pd.DataFrame
    drugs: pd.DataFrame
    expression: pd.DataFrame
    counts: pd.DataFrame


def normalise_line(name: str) -> str:
    """Upper case, letters and digits only: the form under which sources agree on a line's name."""
    return re.sub("[^A-Z0-9]", "", name.upper())


def prepare_screen(
    rows: pd.DataFrame, smiles: dict[str, str], expression: pd.DataFrame
) -> Screen:
    """Join a screen's rows with structures and expression, and merge what belongs together.

    Rows of one line and one compound are averaged *before* any split, or replicates would stand on both sides
    of it. Compounds are one where their structure is one (`structure_key`), whatever their names. Lines match
    their expression by normalised name; where two lines of the screen share a normalised name (T-T and TT,
    KM-H2 and KMH-2 are four different lines) it is not known whose expression it is, and both are left out.

    Parameters
    ----------
    rows
        CELL_LINE_NAME, DRUG_NAME, LN_IC50; replicates allowed.
    smiles
        Drug name -> SMILES.
    expression
        Lines x genes.

    Raises
    ------
    InputError
        If a column is missing, values are not finite, or no row is left.
    """
    check_rows(rows)
    counts = [_count("rows", len(rows), len(rows), [])]
    profile_of = match_lines(rows["CELL_LINE_NAME"].unique(), expression.index, counts)
    drugs, drug_of = _join_drugs(rows["DRUG_NAME"].unique(), smiles, counts)

    # Rows without structure or expression become NaN, and go.
    line = rows["CELL_LINE_NAME"]
    merged = pd.DataFrame(
        {
            "line": line.where(line.isin(profile_of)),
            "drug": rows["DRUG_NAME"].map(drug_of),
            "ln_ic50": rows["LN_IC50"],
        }
    )
    merged = merged.dropna(subset=["line", "drug"])
    if merged.empty:
        raise InputError(
            "no row of the screen has both a structure and an expression profile",
            "names that agree between the screen, the structures and the expression",
            "compare the names in the three files",
        )

    # A mean of logs: replicates of an IC50 differ by factors.
    responses = (
        merged.groupby(["line", "drug"], sort=True)["ln_ic50"]
        .agg(ln_ic50="mean", n_rows="size")
        .reset_index()
    )
    counts.append(
        _count("rows with structure and expression", len(rows), len(merged), [])
    )
    counts.append(
        _count("replicate rows merged into pairs", len(merged), len(responses), [])
    )

    lines = sorted(responses["line"].unique())
    # Profiles have the names of their source.
    table = expression.loc[[profile_of[line] for line in lines]]
    table.index = pd.Index(lines, name="line")

    # A drug whose rows all lost their line is not in the screen.
    drugs = drugs[drugs["drug"].isin(responses["drug"])].reset_index(drop=True)
    return Screen(responses, drugs, table, pd.DataFrame(counts))


def align_screen(
    source: Screen, drugs: pd.DataFrame, lines: Iterable[str]
) -> pd.DataFrame:
    """Responses of another screen under the names of the first: lines by normalised name, drugs by structure.

    Parameters
    ----------
    source
        The other screen.
    drugs, lines
        Of the first: drug and structure; names.

    Returns
    -------
    line, drug, ln_ic50, n_rows; what the first screen lacks is left out.

    Raises
    ------
    InputError
        If no pair is left.
    """
    line_of = {normalise_line(name): name for name in lines}
    drug_of = drugs.set_index("structure")["drug"]
    structure = source.drugs.set_index("drug")["structure"]

    renamed = source.responses.assign(
        line=source.responses["line"].map(normalise_line).map(line_of),
        drug=source.responses["drug"].map(structure).map(drug_of),
    )
    aligned = renamed.dropna(subset=["line", "drug"]).reset_index(drop=True)
    if aligned.empty:
        raise InputError(
            "two screens without a pair of line and drug in common",
            "screens that share lines and drugs",
            "correct bench.drug_response.other_screen, or leave the split screen out",
        )
    return aligned


def check_rows(rows: pd.DataFrame) -> None:
    """Raise InputError if a column is missing, or values are not finite."""
    missing = [c for c in COLUMNS if c not in rows]
    if missing:
        raise InputError(
            f"a screen with columns {list(rows.columns)}",
            f"columns {COLUMNS}",
            f"add {missing}",
        )
    values = pd.to_numeric(rows["LN_IC50"], errors="coerce")
    if not np.isfinite(values).all():
        raise InputError(
            "LN_IC50 with missing or infinite values, or words",
            "finite numbers",
            "remove or mend those rows",
        )


def match_lines(
    names: np.ndarray, profiles: pd.Index, counts: list[dict[str, object]]
) -> dict[str, str]:
    """Lines of the screen that have one expression profile, and its name; what is lost is added to `counts`."""
    lines = pd.Series(names)
    normal = lines.map(normalise_line)
    # keep=False: all lines that share a name, not all but one.
    ambiguous = normal.duplicated(keep=False)
    shared, distinct = list(lines[ambiguous]), lines[~ambiguous]
    counts.append(
        _count("lines with a unique normalised name", len(names), len(distinct), shared)
    )

    profiled = profiles.map(normalise_line)
    # Of two profiles with one name, none is known to be the line's.
    known = normal[~ambiguous].isin(profiled[~profiled.duplicated(keep=False)])
    kept = list(distinct[known])
    counts.append(
        _count(
            "lines with expression", len(distinct), len(kept), list(distinct[~known])
        )
    )
    name_of = dict(zip(profiled, profiles, strict=True))
    return {line: name_of[normalise_line(line)] for line in kept}


def _join_drugs(
    names: np.ndarray,
    smiles: dict[str, str],
    counts: list[dict[str, object]],
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Compounds (drug, smiles, structure, aliases), and the compound of each name that has a structure."""
    # Sorted: the name of a compound must not depend on the order of rows.
    known = sorted(name for name in names if name in smiles)
    lost = sorted(name for name in names if name not in smiles)
    counts.append(_count("drugs with a structure", len(names), len(known), lost))

    table = pd.DataFrame({"name": known, "smiles": [smiles[name] for name in known]})
    table["structure"] = [
        _key(name, smiles[name]) or f"no key: {name}" for name in known
    ]
    # The first name in alphabetical order stands for the compound.
    table["drug"] = table.groupby("structure")["name"].transform("first")
    joined = table.groupby("drug", sort=True).agg(
        smiles=("smiles", "first"),
        structure=("structure", "first"),
        aliases=("name", "; ".join),
    )
    several = joined.loc[joined["aliases"] != joined.index, "aliases"]
    same = [aliases.replace("; ", " = ") for aliases in several]
    counts.append(_count("drugs joined by structure", len(known), len(joined), same))
    return joined.reset_index(), dict(zip(table["name"], table["drug"], strict=True))


def _key(name: str, smiles: str) -> str:
    try:
        return structure_key(smiles)
    except InputError as error:
        # said again, with the name of the drug
        raise InputError(
            f"drug {name!r}: {error.found}", error.expected, error.remedy
        ) from None


def _count(step: str, found: int, kept: int, names: list[str]) -> dict[str, object]:
    return {
        "step": step,
        "found": found,
        "kept": kept,
        "names": "; ".join(names) or None,
    }
