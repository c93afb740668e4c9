"""Which cells stand for a line: drawn cells, pools of them, all of them; and their features.

Shapes: C cells, S samples, F features.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.bench.drug_response.lines import compare_with_lines
from grnformer.bench.drug_response.screen import normalise_line
from grnformer.core.errors import InputError

#: what a sample of a line is, from the easiest to the hardest
LEVELS = ("pseudobulk", "pool", "cell")
LEAST_TRAINING = 50  # lines with responses
LEAST_SHARED = 200  # genes that screen and cells must share
_PREFIX = "NCI"  # as in NCI-H1975, which most call H1975


def join_sets(
    sets: dict[str, anndata.AnnData],
    lines: dict[str, dict[str, str]],
    screened: pd.Index,
    genes: pd.Index,
) -> anndata.AnnData:
    """Join sets of cells on the genes that all of them share with the screen; cells of other lines are left out.

    Parameters
    ----------
    sets
        Name -> cells (`read_cells`).
    lines
        Name -> label -> line of the screen; of cells without labels, the one line.
    screened
        Lines of the screen with responses and expression.
    genes
        Of the screen's expression.

    Returns
    -------
    anndata.AnnData
        obs: line, cell_set; cells named by set and cell.

    Raises
    ------
    InputError
        If a line is not in the screen, no cell has a given label, or fewer than 200 genes are shared.
    """
    parts = []
    for name, cells in sets.items():
        line = _lines_of(cells, lines[name], name, screened)
        chosen = cells[line.notna().to_numpy()]
        obs = pd.DataFrame(
            {"line": line.dropna().to_numpy(str), "cell_set": name},
            index=f"{name}:" + chosen.obs_names.astype(str),
        )
        parts.append(
            anndata.AnnData(
                sp.csr_matrix(chosen.X),
                obs=obs,
                var=pd.DataFrame(index=cells.var_names),
            )
        )

    shared = genes
    for part in parts:
        shared = shared[shared.isin(part.var_names)]
    if len(shared) < LEAST_SHARED:
        raise InputError(
            f"{len(shared)} genes that the screen and all of {list(sets)} have",
            f"at least {LEAST_SHARED}",
            "name genes by symbol, or give gene_ids",
        )
    return anndata.concat([part[:, shared] for part in parts])


def _lines_of(
    cells: anndata.AnnData, lines: dict[str, str], name: str, screened: pd.Index
) -> pd.Series:
    """The line of each cell, missing where its label is not named."""
    unknown = sorted(set(lines.values()) - set(screened))
    if unknown:
        raise InputError(
            f"bench.sc_drug.lines.{name}: the screen has no line {unknown[0]!r} with responses and expression",
            f"a line as the screen spells it{hint(unknown[0], screened)}",
            "correct the name, or leave the line out",
        )
    label = cells.obs["label"].astype(str)
    if (label == "").all() and len(lines) == 1:
        return pd.Series(next(iter(lines.values())), index=cells.obs_names)

    absent = sorted(set(lines) - set(label))
    if absent:
        raise InputError(
            f"bench.sc_drug.lines.{name}: no cell of label {absent[0]!r}, but of {sorted(set(label))[:20]}",
            "labels that cells have; of cells without labels, one line",
            "correct lines, or the setting label",
        )
    return label.map(lines)


def draw_cells(lines: pd.Series, per_line: int, seed: int) -> np.ndarray:
    """Rows of at most `per_line` cells of each line, drawn once, ascending."""
    rng = np.random.default_rng(seed)
    line = lines.to_numpy(str)
    drawn = [
        rng.permutation(np.flatnonzero(line == name))[:per_line]
        for name in sorted(set(line))
    ]
    return np.sort(np.concatenate(drawn))


def make_samples(
    lines: np.ndarray, pool_size: int, pools: int, seed: int
) -> tuple[pd.DataFrame, sp.csr_matrix]:
    """Samples of three levels, and which cells each is the mean of.

    Parameters
    ----------
    lines
        Line of each cell, (C,).
    pool_size, pools
        Cells a pool, drawn without repeats within it; pools a line. A line of fewer cells has pools of all of them.

    Returns
    -------
    level, sample, line of each sample; weights (S, C), rows sum to 1.
    """
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, str]] = []
    members: list[np.ndarray] = []
    for name in sorted(set(lines)):
        cells = np.flatnonzero(lines == name)
        size = min(pool_size, len(cells))
        drawn = [rng.choice(cells, size, replace=False) for _ in range(pools)]
        groups_of: tuple[list[np.ndarray], ...] = ([cells], drawn, list(cells[:, None]))
        for level, groups in zip(LEVELS, groups_of, strict=True):
            rows += [(level, f"{name} {n}", name) for n in range(1, len(groups) + 1)]
            members += groups

    sizes = np.array([len(group) for group in members])
    weights = sp.csr_matrix(
        (
            np.repeat(1.0 / sizes, sizes),
            (np.repeat(np.arange(len(sizes)), sizes), np.concatenate(members)),
        ),
        (len(sizes), len(lines)),
    )
    table = pd.DataFrame(rows, columns=["level", "sample", "line"])
    return table, weights


def standardise_rows(values: np.ndarray) -> np.ndarray:
    """Each row to mean 0 and SD 1, as the screen's profiles are; a constant row to 0."""
    centred = values - values.mean(axis=1, keepdims=True)
    sd = centred.std(axis=1, keepdims=True)
    return centred / np.where(sd > 0, sd, 1.0)


def as_lines(cells: anndata.AnnData, expression: anndata.AnnData) -> anndata.AnnData:
    """Cells in the form in which bulk lines are embedded: above the median of the lines, in SD of each gene.

    Cells and lines are standardised within themselves on the genes of the cells, so that both have one scale.
    """
    lines = expression[:, cells.var_names]
    return compare_with_lines(_standardised(cells), _standardised(lines))


def bulk_features(expression: anndata.AnnData, genes: pd.Index) -> pd.DataFrame:
    """Profiles of lines on some genes, standardised within each line."""
    profiles = _standardised(expression[:, genes])
    return pd.DataFrame(profiles.X, index=profiles.obs_names)


def cell_features(cells: anndata.AnnData) -> np.ndarray:
    """Cells (C, genes), each standardised within itself."""
    return np.asarray(_standardised(cells).X)


def _standardised(data: anndata.AnnData) -> anndata.AnnData:
    return anndata.AnnData(
        standardise_rows(dense(data)), obs=data.obs[[]], var=data.var[[]]
    )


def dense(data: anndata.AnnData) -> np.ndarray:
    """X as a dense matrix of float64."""
    values = data.X.toarray() if sp.issparse(data.X) else np.asarray(data.X)
    return np.asarray(values, dtype=float)


def given_files(
    entries: list[dict[str, Any]], name: str, paths: list[str]
) -> list[str | None]:
    """Which of the files that a job got is which entry's, where some entries name none."""
    rest = iter(paths)
    return [next(rest) if entry[name] is not None else None for entry in entries]


def hint(name: str, known: Iterable[str]) -> str:
    """Words on which known name may be meant, of lines or drugs; "" if none is spelt with the same letters."""
    near = [other for other in known if normalise_line(other) == normalise_line(name)]
    return f", such as {near[0]!r}" if near else ""


def training_lines(
    screened: list[str], tested: set[str], aliases: list[str]
) -> np.ndarray:
    """Which lines of the screen (boolean) may be trained on: none that is tested, under whatever spelling.

    Names agree if their letters and digits do, with or without NCI before them.

    Raises
    ------
    InputError
        If an alias is no line of the screen: a line that it means under another name would be trained on.
    """
    known = {_bare(name) for name in screened}
    unknown = [name for name in aliases if _bare(name) not in known]
    if unknown:
        raise InputError(
            f"bench.sc_drug leaves the line {unknown[0]!r} out of training, which is no line of the screen with "
            "responses and expression",
            "lines of the screen",
            "correct the name in aliases or leave_out, or take it off the list",
        )
    left_out = {_bare(name) for name in (*tested, *aliases)}
    return np.array([_bare(name) not in left_out for name in screened])


def _bare(name: str) -> str:
    return normalise_line(name).removeprefix(_PREFIX)
