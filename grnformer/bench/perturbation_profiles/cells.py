"""Cells of a perturbation screen, and what was perturbed in each, from the forms in which screens are published."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.bench.perturbation.expression import scale_counts
from grnformer.core.errors import InputError
from grnformer.core.text import name_columns, read_rows
from grnformer.prep.cell_figures import refuse_named_figures
from grnformer.prep.feature_types import GENES
from grnformer.prep.features import select_features
from grnformer.prep.formats import read_matrix, reading
from grnformer.prep.scale import LARGEST_LOG, ScaleOf

log = logging.getLogger(__name__)

CONTROL = "control"
JOINED = "+"
WHOLE = "all"  # context of a screen without contexts
# words for no perturbation that screens have beside the one that the settings name
_CONTROLS = re.compile(
    r"(ctrls?|controls?|ntc?|non[-_ ]?targeting|safe[-_ ]?targeting|neg(ative)?[-_ ]?(ctrl|control)?|scrambled?"
    r"|unperturbed|untreated|intergenic)([-_ ][0-9]+)?",
    re.IGNORECASE,
)
_NO_SYMBOL = re.compile(r"[,;|&\s]")
_OTHER_SEPARATORS = re.compile(r"[_+]")
_SETTING = "bench.perturbation_profiles.screens"
_REMEDY = f"correct the file, or {_SETTING}"


class Form(NamedTuple):
    """Where a form of file keeps the perturbation of a cell.

    Attributes
    ----------
    column
        Of obs.
    control
        Its word for no perturbation.
    separator
        Between the genes of one cell.
    """

    column: str
    control: str
    separator: str


#: GEARS (Roohani et al. 2023, doi 10.1038/s41587-023-01905-6), scPerturb (Peidli et al. 2024, doi
#: 10.1038/s41592-023-02144-y), PerturBench (Wu et al. 2024, doi 10.48550/arXiv.2408.10609), any table of cells
FORMS = {
    "gears": Form("condition", "ctrl", "+"),
    "scperturb": Form("perturbation", "control", "_"),
    "perturbench": Form("condition", "control", "+"),
    "sheet": Form("perturbation", "control", "+"),
}


def read_perturbed_cells(
    cells: str | Path, settings: Mapping[str, Any], sheet: str | Path | None = None
) -> anndata.AnnData:
    """Read cells with their perturbation, context and batch.

    Parameters
    ----------
    cells
        Any count matrix that samples may be; for logarithms an .h5ad, whose X is taken.
    settings
        Keys of `grnformer.settings.perturbation_profiles.PerturbedCells`.
    sheet
        Table with a line a cell, its name first; None: the obs of the file.

    Returns
    -------
    anndata.AnnData
        X: natural log1p of counts per 10,000 of all genes of the file, or logarithms as given (CSR, float32); var by
        symbol. obs: `perturbation` (``control``, or the sorted genes joined by ``+``), `context`, `batch`. Cells
        without a perturbation (unassigned guides) are left out, and told of.

    Raises
    ------
    InputError
        If a column is missing, no cell is a control or none is perturbed, or values are not what `settings` says.
    """
    data = _read_values(Path(cells), settings)
    table = _read_sheet(sheet, data.obs_names) if sheet else data.obs
    obs = _describe_cells(table, settings, sheet or cells)
    obs.index = data.obs_names

    known = (obs["perturbation"] != "").to_numpy()
    if not known.all():
        log.warning(
            "%s: %d of %d cells have no perturbation, and are left out",
            cells,
            (~known).sum(),
            len(known),
        )
    _check_both(obs.loc[known, "perturbation"], sheet or cells)
    _check_genes(obs["perturbation"].unique(), data.var_names, sheet or cells)
    found = anndata.AnnData(
        data.X[known], obs=obs[known], var=pd.DataFrame(index=data.var_names)
    )
    return found


def parse_perturbations(words: pd.Series, control: str, separator: str) -> pd.Series:
    """Perturbations in one spelling: A+B and B+A are one, A+ctrl is A; "" where the word is missing.

    Parameters
    ----------
    words
        One a cell.
    control
        The word for no perturbation, alone or in place of a gene.
    """

    def parse(word: str) -> str:
        genes = {part.strip() for part in word.split(separator)} - {control, ""}
        return JOINED.join(sorted(genes)) or CONTROL

    known = words.notna() & (words.astype(str).str.strip() != "")
    kinds = words[known].astype(str).unique()
    spelt = {word: CONTROL if word == control else parse(word) for word in kinds}
    return words.astype(object).where(known).astype(object).map(spelt).fillna("")


def genes_of(perturbation: str) -> list[str]:
    """Perturbed genes; none of the control."""
    return [] if perturbation == CONTROL else perturbation.split(JOINED)


def perturbed_genes(perturbations: Iterable[str]) -> list[str]:
    """All genes of these perturbations, sorted."""
    return sorted({gene for name in set(perturbations) for gene in genes_of(name)})


def _read_values(path: Path, settings: Mapping[str, Any]) -> anndata.AnnData:
    """log1p of normalised expression, by symbol."""
    if settings["values"] == "counts":
        data = select_features(read_matrix(path), GENES, str(path))
        return scale_counts(_named(data, settings["symbols"], path), path)

    if path.suffix != ".h5ad":
        raise InputError(
            f"{path}: logarithms in a file of another kind",
            "an .h5ad, whose X holds them; or counts in any form",
            _REMEDY,
        )
    with reading(path):
        data = anndata.read_h5ad(path)
    data = _named(data, settings["symbols"], path)
    _check_logarithms(data.X, path)
    data.X = sp.csr_matrix(data.X, dtype=np.float32)
    twins = data.var_names[data.var_names.duplicated()]
    if len(twins):
        raise InputError(
            f"{path}: {len(twins)} genes twice, such as {twins[0]!r}",
            "each symbol once: logarithms cannot be summed",
            "give counts, or keep one column of each gene",
        )
    return data


def _named(data: anndata.AnnData, symbols: str | None, path: Path) -> anndata.AnnData:
    """With the names of genes from a column of var."""
    if symbols is not None:
        if symbols not in data.var:
            raise InputError(
                f"{path}: var has the columns {list(data.var)[:12]}",
                f"{symbols!r}, as the setting symbols says",
                _REMEDY,
            )
        data.var_names = pd.Index(data.var[symbols].astype(str))
    refuse_named_figures(data.var_names, str(path))
    return data


def _check_logarithms(matrix: Any, path: Path) -> None:
    rows = sp.csr_matrix(matrix, dtype=np.float64)
    seen = ScaleOf(str(path))
    seen.add(rows)
    found = None
    if seen.largest > LARGEST_LOG:
        found = f"values up to {seen.largest:g}"
    elif np.array_equal(rows.data, np.rint(rows.data)):
        found = f"whole numbers up to {seen.largest:g}"
    elif seen.base == "2":
        found = "logarithms to the base 2"
    if found:
        raise InputError(
            f"{path}: X holds {found}",
            "natural logarithms of 1 + normalised counts, as the setting values says",
            f"correct the setting values, or X; {_SETTING}",
        )


def _read_sheet(path: str | Path, cells: pd.Index) -> pd.DataFrame:
    rows = read_rows(path, _SETTING, comments=(), row_names=True)
    table = name_columns(rows, path, _SETTING)
    names = pd.Index(table.iloc[:, 0])
    missing = cells.difference(names)
    if len(missing) or not names.is_unique:
        raise InputError(
            f"{path}: {len(names)} lines, first {names[0]!r}; {len(missing)} cells of the matrix are not among them",
            "one line for each cell, with its name in the first column",
            _REMEDY,
        )
    return table.iloc[names.get_indexer(cells)].replace("", None)


def _describe_cells(
    table: pd.DataFrame, settings: Mapping[str, Any], where: str | Path
) -> pd.DataFrame:
    """perturbation, context and batch of each cell."""
    form = FORMS[settings["form"]]
    column = settings["column"] or form.column
    control = settings["control"] or form.control
    wanted = [column, settings["context"], settings["batch"]]
    missing = [name for name in wanted if name is not None and name not in table]
    if missing:
        raise InputError(
            f"{where}: no column {missing[0]!r}, but {list(table)[:20]}",
            f"the columns of {settings['form']}: {[name for name in wanted if name]}",
            _REMEDY,
        )

    perturbation = parse_perturbations(table[column], control, form.separator)
    if settings["form"] == "scperturb":
        _check_counts(table, perturbation, where)
    obs = pd.DataFrame({"perturbation": perturbation.to_numpy(str)})
    for name in ("context", "batch"):
        source = settings[name]
        obs[name] = WHOLE if source is None else table[source].to_numpy(object)
        if obs[name].isna().any():
            raise InputError(
                f"{where}: {obs[name].isna().sum()} cells without {source!r}",
                "a value for each cell",
                _REMEDY,
            )
        obs[name] = obs[name].astype(str)
    return obs


def _check_counts(
    table: pd.DataFrame, perturbation: pd.Series, where: str | Path
) -> None:
    """Raise InputError where nperts is not the number of genes between the separators, as of a symbol with _ in it."""
    if "nperts" not in table:
        raise InputError(
            f"{where}: no column 'nperts', but {list(table)[:20]}",
            "scPerturb's number of perturbations of each cell",
            f"{_REMEDY} (form: sheet, for tables of other kinds)",
        )
    stated = pd.to_numeric(table["nperts"], errors="coerce")
    found = perturbation.map(lambda word: len(genes_of(word)) if word else 0)
    wrong = perturbation[(stated.fillna(0).to_numpy() != found.to_numpy())]
    if len(wrong):
        raise InputError(
            f"{where}: {len(wrong)} cells such as {wrong.iloc[0]!r}, of which nperts says another number",
            "symbols joined by _, as many as nperts says",
            f"{_REMEDY}: with another separator in the file, form: sheet",
        )


def _check_genes(
    perturbations: Iterable[str], measured: pd.Index, where: str | Path
) -> None:
    """Raise InputError where a perturbed gene is a further word for controls, or several genes in one word."""
    genes = perturbed_genes(set(perturbations) - {""})
    known = {*genes, *measured}

    def is_several(gene: str) -> bool:
        parts = _OTHER_SEPARATORS.split(gene)
        return len(parts) > 1 and known.issuperset(parts)

    controls = [gene for gene in genes if _CONTROLS.fullmatch(gene)]
    if controls:
        raise InputError(
            f"{where}: cells of {controls[0]!r} beside the control that {_SETTING} names",
            "one word for all cells without a perturbation",
            f"give them one word, or leave some of them out; {_REMEDY}",
        )
    several = [gene for gene in genes if _NO_SYMBOL.search(gene) or is_several(gene)]
    if several:
        raise InputError(
            f"{where}: {several[0]!r}, which is not one gene",
            "symbols of perturbed genes, joined by the separator of the form",
            f"{_REMEDY}: the form sheet joins genes by {FORMS['sheet'].separator}",
        )


def _check_both(perturbation: pd.Series, where: str | Path) -> None:
    """Raise InputError unless there are controls and perturbed cells."""
    n_control = int((perturbation == CONTROL).sum())
    if 0 < n_control < len(perturbation):
        return
    words = sorted(set(perturbation))[:4]
    raise InputError(
        f"{where}: {n_control} of {len(perturbation)} cells are controls; perturbations such as {words}",
        "control cells and perturbed ones",
        f"name the word for controls in {_SETTING} (control)",
    )
