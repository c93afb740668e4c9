"""Simulate a perturbation screen from a known network: cells of several types, TFs knocked out or over-expressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import anndata
    import pandas as pd

CONTROL = "control"
# of counts: variance = mean + .3 mean squared; of the log depth
DISPERSION, DEPTH_SD = 0.3, 0.3
# of a TF's activity between types, and between cells of a type
TYPE_SD, CELL_SD = 1.0, 0.7
# activity of a TF that is over-expressed; one that is knocked out has as much below 0
SHIFT = 2.5


@dataclass(frozen=True)
class Screen:
    """Simulated cells and the network behind them.

    `data` holds log1p of scaled counts (CSR, cells x genes, TFs first) with obs cell_type, perturbation (`control` or
    e.g. `TF03+`, `TF03-`) and set: `train`; `heldout` (same types, unperturbed); `new_type` (a type of which no cell
    is in training); `perturbed` (training types, TFs that no training cell has perturbed). `edges` is the truth: tf,
    gene, sign, strength, cell_types (those in which the edge works).
    """

    data: anndata.AnnData
    edges: pd.DataFrame
    tfs: list[str]
    cell_types: list[str]

    def rows(self, name: str) -> np.ndarray:
        """Numbers of the cells of a set, ascending."""
        return np.flatnonzero(self.data.obs["set"].to_numpy() == name)


def simulate_screen(
    *,
    seed: int,
    n_tfs: int,
    n_targets: int,
    n_types: int,
    n_train: int,
    n_heldout: int,
    n_perturbed: int,
    perturbed_fraction: float,
    max_regulators: int,
    closed_fraction: float,
    counts_per_cell: float,
) -> Screen:
    """Simulate cells whose counts follow a signed TF -> target network, some with a perturbed TF.

    A TF's log rate is its activity: a mean of the cell's type and a difference of the cell. A target's log rate follows
    the signed sum of its TFs' activities. A perturbation sets the activity of one TF, whatever the cell had, and its
    targets follow.

    Parameters
    ----------
    n_types
        Cell types; the last one is in no training cell.
    n_train, n_heldout, n_perturbed
        Cells of the sets `train`, of `heldout` and `new_type` each, and of each held-out perturbation.
    perturbed_fraction
        Fraction of the training cells in which a TF of the first half is perturbed; the second half is held out.
    max_regulators
        TFs of a target, 1 at least.
    closed_fraction
        Fraction of the edges that do not work in one of the types.
    counts_per_cell
        Median counts of a cell.
    """
    import anndata
    import pandas as pd
    import scipy.sparse as sp

    rng = np.random.default_rng(seed)
    tfs = [f"TF{number:02d}" for number in range(n_tfs)]
    genes = [*tfs, *(f"GENE{number:03d}" for number in range(n_targets))]
    types = [f"type_{number}" for number in range(n_types)]
    effect_TGF, edges = _draw_network(
        tfs, genes, types, max_regulators, closed_fraction, rng
    )
    obs = _plan_cells(
        tfs, types, n_train, n_heldout, n_perturbed, perturbed_fraction, rng
    )
    type_of_cell = (
        obs["cell_type"].map({name: t for t, name in enumerate(types)}).to_numpy()
    )

    of_type = rng.normal(0, TYPE_SD, (n_types, n_tfs))
    of_cell = rng.normal(0, CELL_SD, (len(obs), n_tfs))
    activity = of_type[type_of_cell] + of_cell
    _perturb(activity, obs["perturbation"], tfs)

    basal = rng.normal(0, 0.5, len(genes))
    log_rate = np.einsum("bf,bgf->bg", activity, effect_TGF[type_of_cell]) + basal
    counts = _draw_counts(log_rate, counts_per_cell, rng)

    # log1p of counts scaled to the median total, as cells are prepared
    total = np.maximum(counts.sum(1, keepdims=True), 1)
    scaled = counts / total * np.median(total)
    expression = sp.csr_matrix(np.log1p(scaled).astype(np.float32))
    data = anndata.AnnData(expression, obs, pd.DataFrame(index=genes))
    return Screen(data, edges, tfs, types)


def _perturb(activity: np.ndarray, perturbation: pd.Series, tfs: list[str]) -> None:
    """Set the activity (cells x TFs) of each perturbed TF in its cells."""
    for number, tf in enumerate(tfs):
        for suffix, value in (("+", SHIFT), ("-", -SHIFT)):
            is_perturbed = (perturbation == tf + suffix).to_numpy()
            activity[is_perturbed, number] = value


def _draw_counts(
    log_rate: np.ndarray, counts_per_cell: float, rng: np.random.Generator
) -> np.ndarray:
    """Negative binomial counts, cells x genes."""
    # capped: a gene of several strong TFs would take most of a cell's counts
    rate = np.exp(np.minimum(log_rate, 4))
    scale = counts_per_cell / np.median(rate.sum(1))
    log_depth = DEPTH_SD * rng.standard_normal((len(rate), 1))
    depth = scale * np.exp(log_depth)

    # a negative binomial is a Poisson whose mean varies by a gamma distribution of mean 1
    noise = rng.gamma(1 / DISPERSION, DISPERSION, rate.shape)
    return rng.poisson(rate * depth * noise)


def _draw_network(
    tfs: list[str],
    genes: list[str],
    types: list[str],
    max_regulators: int,
    closed_fraction: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, pd.DataFrame]:
    """Effects, types x genes x TFs, and the table of edges."""
    import pandas as pd

    effect = np.zeros((len(types), len(genes), len(tfs)))
    # a TF's transcript follows its activity
    effect[:, : len(tfs)] = np.eye(len(tfs))
    rows = []
    for gene in range(len(tfs), len(genes)):
        shuffled = rng.permutation(len(tfs))
        n_regulators = rng.integers(1, max_regulators + 1)
        for tf in np.sort(shuffled[:n_regulators]):
            works = np.ones(len(types), bool)
            # it may not work in one type
            still_works = rng.random() >= closed_fraction
            works[rng.integers(len(types))] = still_works

            sign = int(rng.choice([-1, 1]))
            strength = float(rng.uniform(0.6, 1.2))
            effect[works, gene, tf] = sign * strength
            cell_types = [types[t] for t in np.flatnonzero(works)]
            rows.append((tfs[tf], genes[gene], sign, strength, cell_types))
    return effect, pd.DataFrame(
        rows, columns=["tf", "gene", "sign", "strength", "cell_types"]
    )


def _plan_cells(
    tfs: list[str],
    types: list[str],
    n_train: int,
    n_heldout: int,
    n_perturbed: int,
    perturbed_fraction: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Type, perturbation and set of each cell, in an order that mixes the sets of training types."""
    import pandas as pd

    # both directions of a TF, one after the other
    both = [tf + suffix for tf in tfs for suffix in "+-"]
    perturbations = np.array(both, dtype=object)
    known, heldout = np.split(perturbations, [len(tfs) // 2 * 2])

    # the perturbed cells come first, all known perturbations in turn
    perturbation = np.full(n_train, CONTROL, dtype=object)
    n_perturbed_train = round(perturbed_fraction * n_train)
    perturbation[:n_perturbed_train] = np.resize(known, n_perturbed_train)

    parts = {
        "train": perturbation,
        "heldout": [CONTROL] * n_heldout,
        "new_type": [CONTROL] * n_heldout,
        "perturbed": np.repeat(heldout, n_perturbed),
    }
    tables = [
        pd.DataFrame({"perturbation": part, "set": name})
        for name, part in parts.items()
    ]
    obs = pd.concat(tables, ignore_index=True)

    trained_types = np.array(types[:-1], dtype=object)
    number = rng.integers(len(trained_types), size=len(obs))
    trained = trained_types[number]
    obs["cell_type"] = np.where(obs["set"] == "new_type", types[-1], trained)
    obs.index = [f"cell{number}" for number in range(len(obs))]
    return obs
