"""Read the networks of other tools, each recognised by what is in its file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.text import existing, open_text, read_frame, read_parquet
from grnformer.grn.given.containers import read_container
from grnformer.grn.given.regulons import (
    read_enriched_motifs,
    read_gene_sets,
    split_name,
)
from grnformer.grn.prior import read_signs

logger = logging.getLogger(__name__)

#: Words for the columns of a plain table, capitals ignored.
_TF = ("tf", "source", "regulator")
_GENE = ("gene", "target")
_WEIGHT = ("weight", "score", "importance", "coef_mean", "mor", "tf_gene_weight")
_SIGN = ("sign", "regulation")
_CELL_TYPE = ("cell_type", "celltype", "cluster")
#: CellOracle keeps links up to this p (its `filter_links`).
_USUAL_P = 0.001
_EXPECTED = (
    "a table with columns for TF (tf, source) and gene (gene, target), and optionally weight, sign, cell_type; or the "
    "file of SCENIC+, pySCENIC, CellOracle, decoupler, gretapy or geneRNIB (docs/your-own-network.md)"
)


@dataclass(frozen=True)
class Form:
    """A form of table.

    Attributes
    ----------
    name
        The tool's, for the report.
    marks
        Columns by which it is known.
    tf, gene, weight, sign, regulon
        The column of each; the first that is there of several. `regulon` names the regulon, with its signs.
    """

    name: str
    marks: tuple[str, ...]
    tf: str
    gene: str
    weight: tuple[str, ...] = ()
    sign: tuple[str, ...] = ()
    regulon: tuple[str, ...] = ()


#: The first whose marks are all there counts.
FORMS = (
    Form("SCENIC+", ("TF", "Region", "Gene"), "TF", "Gene", ("importance_TF2G", "TF2G_importance"),
         ("regulation", "TF2G_regulation"), ("eRegulon_name", "Gene_signature_name", "Region_signature_name")),
    Form("grnformer eRegulons", ("eregulon", "tf", "region", "gene"), "tf", "gene", ("tf_gene_weight",), (),
         ("eregulon",)),
    Form("CellOracle links", ("source", "target", "coef_mean"), "source", "target", ("coef_mean",)),
    Form("gretapy", ("source", "cre", "target"), "source", "target", ("score",), ("sign",)),
    Form("decoupler", ("source", "target", "weight"), "source", "target", ("weight",), ("sign",)),
)  # fmt: skip
BASE_GRN = ("peak_id", "gene_short_name")


@dataclass(frozen=True)
class Network:
    """A network as its file says it.

    Attributes
    ----------
    table
        tf, gene, weight (with its sign), sign (-1, 0 where it is not known, 1), annotation and regions (of the name of
        the eRegulon: "given" and "0" where it has none), and cell_type if the file has one. Pairs may repeat.
    form
        Whose file it is.
    weighted
        Whether the file has weights; else all are 1.
    signs
        Where the signs are from: ``names``, ``column``, ``weights``, ``none``.
    """

    table: pd.DataFrame
    form: str
    weighted: bool
    signs: str


def read_network(path: str | Path, setting: str = "grn.given") -> Network:
    """Read a network of another tool.

    - SCENIC+: eRegulon table (TF, Region, Gene, eRegulon_name or Gene_signature_name, importance_TF2G) or
      scplusmdata.h5mu, https://scenicplus.readthedocs.io/en/latest/human_cerebellum.html
    - pySCENIC: enriched motifs of ``pyscenic ctx`` (.csv, .tsv), regulons as .gmt, .loom of ``pyscenic aucell``,
      https://github.com/aertslab/pySCENIC/blob/master/src/pyscenic/cli/utils.py
    - CellOracle: links (source, target, coef_mean, p) and base GRN (peak_id, gene_short_name, a column a TF),
      https://morris-lab.github.io/CellOracle.documentation/notebooks/04_Network_analysis/Network_analysis_with_Paul_etal_2015_data.html
    - decoupler: source, target, weight, https://decoupler.readthedocs.io
    - gretapy: source, cre, target, score, https://github.com/saezlab/gretapy
    - geneRNIB: .h5ad with uns prediction, https://github.com/openproblems-bio/task_grn_inference
    - any table with one column for the TF and one for the gene; Parquet, CSV or TSV

    Signs are those of the regulons' names, of a column, or of weights of which some are negative; else none is known.

    Raises
    ------
    InputError
        If it is none of these, or a column could mean several things.
    """
    import h5py

    path = existing(path, setting)
    with path.open("rb") as file:
        head = file.read(8)
    # an .h5mu begins with a text of its own
    if h5py.is_hdf5(path):
        form, table = read_container(path, setting)
        if form == "pySCENIC":
            return Network(table, form, weighted=False, signs="names")
    elif head.startswith(b"PAR1") or path.suffix == ".parquet":
        form, table = "", _without_lists(read_parquet(path, setting))
    else:
        with open_text(path, setting) as text:
            first, second, third = (text.readline().decode() for _ in range(3))
        if "Enrichment" in first and third.startswith(("TF,MotifID", "TF\tMotifID")):
            table = read_enriched_motifs(path, setting)
            return Network(table, "pySCENIC", weighted=True, signs="names")
        sets = read_gene_sets(path, setting) if _is_gmt(first, second) else None
        if sets is not None:
            signs = "names" if (sets["sign"] != 0).any() else "none"
            return Network(sets, "gene sets", weighted=False, signs=signs)
        form, table = "", read_frame(path, setting)
    return read_table(table, path, setting, form)


def _is_gmt(*lines: str) -> bool:
    """Whether lines are name, description, genes (GMT): the name of a regulon, or lines of unequal length."""
    fields = [line.rstrip("\r\n").split("\t") for line in lines if line.strip()]
    if not fields or min(map(len, fields)) < 3:
        return False
    by_name = split_name(fields[0][0].rstrip(","))[1] != 0
    return by_name or len({len(row) for row in fields}) > 1


def read_table(
    table: pd.DataFrame, path: Path, setting: str, form: str = ""
) -> Network:
    """Give a table the columns of a `Network`; `form` names whose it is where the file says so."""
    if set(BASE_GRN) <= set(table):
        return _from_base_grn(table, path, setting)
    known = next((each for each in FORMS if set(each.marks) <= set(table)), None)
    columns = known or _plain_form(table, path, setting)

    pairs = pd.DataFrame(
        {"tf": _text(table[columns.tf]), "gene": _text(table[columns.gene])}
    )
    pairs["weight"] = 1.0
    weight = _first(columns.weight, table)
    if weight:
        pairs["weight"] = _numbers(table[weight], path, setting)
    sign, regulon = _first(columns.sign, table), _first(columns.regulon, table)
    pairs["sign"], signs = 0, "none"
    if regulon:
        names = [split_name(name) for name in _text(table[regulon])]
        signs = "names"
        for place, column in ((1, "sign"), (2, "annotation"), (3, "regions")):
            pairs[column] = [name[place] for name in names]
        _check_named(pairs, table[regulon], path, setting)
    elif sign:
        pairs["sign"], signs = (
            read_signs(_text(table[sign]), path, setting),
            "column",
        )
    elif (pairs["weight"] < 0).any():
        pairs["sign"], signs = np.sign(pairs["weight"]).astype(int), "weights"
    _check_agree(pairs, signs, path, setting)

    cell_type = _one(_CELL_TYPE, table, path, setting)
    if cell_type:
        pairs["cell_type"] = _text(table[cell_type])
    _warn_of_p(table, columns.name, path)
    named = (pairs[["tf", "gene"]] != "").all(axis=1)
    if not named.any():
        raise InputError(
            f"{path}: no TF-gene pair among its rows",
            _EXPECTED,
            f"correct the table, or {setting}",
        )
    return Network(
        _with_defaults(pairs[named]), form or columns.name, bool(weight), signs
    )


def _with_defaults(pairs: pd.DataFrame) -> pd.DataFrame:
    missing = {"annotation": "given", "regions": "0"}
    return pairs.assign(
        **{name: value for name, value in missing.items() if name not in pairs}
    ).reset_index(drop=True)


def _plain_form(table: pd.DataFrame, path: Path, setting: str) -> Form:
    tf, gene = (_one(words, table, path, setting) for words in (_TF, _GENE))
    if not tf or not gene:
        raise InputError(
            f"{path} with the columns {list(table.columns)[:8]}",
            _EXPECTED,
            f"name its columns so (source, target, weight), or correct {setting}",
        )
    weight, sign = (_one(words, table, path, setting) for words in (_WEIGHT, _SIGN))
    return Form(
        "table",
        (),
        tf,
        gene,
        (weight,) if weight else (),
        (sign,) if sign else (),
    )


def _without_lists(table: pd.DataFrame) -> pd.DataFrame:
    """A table of a Parquet file without columns of lists, such as the regions of an edge."""
    table.columns = table.columns.map(str)
    texts = table.select_dtypes("object")
    listed = [
        name for name in texts if texts[name].map(pd.api.types.is_list_like).any()
    ]
    return table.drop(columns=listed).reset_index(drop=True)


def _text(column: pd.Series) -> pd.Series:
    """Text of a column; "" for a missing one."""
    return column.astype(object).where(column.notna(), "").astype(str).str.strip()


def _first(names: Sequence[str], table: pd.DataFrame) -> str | None:
    return next((name for name in names if name in table), None)


def _one(
    words: Sequence[str], table: pd.DataFrame, path: Path, setting: str
) -> str | None:
    """The column that one of the words names, capitals ignored; InputError if there are several."""
    found = [str(name) for name in table if str(name).lower() in words]
    if len(found) > 1:
        raise InputError(
            f"{path} with the columns {' and '.join(map(repr, found))}",
            f"one column of {', '.join(words)}: which one is meant is not guessed",
            f"rename or delete the others, or correct {setting}",
        )
    return found[0] if found else None


def _numbers(column: pd.Series, path: Path, setting: str) -> pd.Series:
    found = pd.to_numeric(column, errors="coerce").astype(float)
    wrong = int((~np.isfinite(found)).sum())
    if wrong:
        raise InputError(
            f"{path} with {wrong} weights that are missing or no numbers, column {column.name!r}",
            "a number a row",
            f"mend or remove these rows, or correct {setting}",
        )
    return found


def _check_named(
    pairs: pd.DataFrame, names: pd.Series, path: Path, setting: str
) -> None:
    """Raise InputError if a regulon's name states no sign."""
    unsigned = (pairs["sign"] == 0).to_numpy()
    if unsigned.any():
        raise InputError(
            f"{path}: the eRegulon {names[unsigned].iloc[0]!r} states no sign",
            "names such as GATA1_direct_+/+, GATA1_+_+_(50g) or GATA1_extended_-/+_(12g)",
            f"write the names as the tool does, or give TF, gene and sign alone; or correct {setting}",
        )


def _check_agree(pairs: pd.DataFrame, signs: str, path: Path, setting: str) -> None:
    """Raise InputError if a negative weight has another sign by name or column."""
    wrong = (pairs["weight"] < 0) & (pairs["sign"] >= 0)
    if wrong.any():
        row = pairs[wrong].iloc[0]
        raise InputError(
            f"{path}: {int(wrong.sum())} pairs have a negative weight and no negative sign by {signs}, first "
            f"{row['tf']} and {row['gene']}",
            "weights and signs that agree, or weights above 0",
            f"mend the table, or correct {setting}",
        )


def _warn_of_p(table: pd.DataFrame, form: str, path: Path) -> None:
    if form != "CellOracle links" or "p" not in table:
        return
    p = pd.to_numeric(table["p"], errors="coerce")
    above = int((p > _USUAL_P).sum())
    if above:
        logger.warning(
            "%s: %d of %d links have p above %g: was it written before links.filter_links? All are taken",
            path,
            above,
            len(table),
            _USUAL_P,
        )


def _from_base_grn(table: pd.DataFrame, path: Path, setting: str) -> Network:
    """CellOracle's base GRN: 1 where a motif of the TF (column) is in a peak (row) of the gene."""
    tfs = [name for name in table if name not in BASE_GRN and name]
    found = pd.concat([_numbers(table[tf], path, setting) for tf in tfs], axis=1)
    if not found.isin([0, 1]).all(axis=None):
        raise InputError(
            f"{path}: a base GRN with other values than 0 and 1",
            "columns peak_id, gene_short_name, and one a TF",
            f"correct the table, or {setting}",
        )
    row, column = np.nonzero(found.to_numpy())
    pairs = pd.DataFrame(
        {
            "tf": np.asarray(tfs, object)[column],
            "gene": table["gene_short_name"].to_numpy(object)[row],
            "weight": 1.0,
            "sign": 0,
        }
    ).drop_duplicates()
    if pairs.empty:
        raise InputError(
            f"{path}: a base GRN without a 1", "TFs that bind", f"correct {setting}"
        )
    return Network(_with_defaults(pairs), "CellOracle base GRN", False, "none")
