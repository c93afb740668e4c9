"""Positive control: does the true network of simulated cells help where a rewired, a random and no network do not?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnformer.graph.bundle import EDGE_TYPES, SCALES, Bundle, Graph
from grnformer.graph.modes import MODES, scales_of
from grnformer.grn.activity.recovery import score_cells
from grnformer.infer.perturb.edit import KNOCK_DOWN, OVER_EXPRESSION, Edit
from grnformer.infer.perturb.model import predict_shift
from grnformer.simulate.screen import Screen

ACTIVE_SHARE = 0.5  # of the training cells, in which an eRegulon is active
REWIRED, RANDOM, NO_EDGES, TRUE, BACKBONE = (
    "degree_preserving",
    "random",
    "none",
    "true",
    "backbone",
)
# unperturbed held-out cells whose shift is predicted, and draws of each
SHOWN, DRAWS = 40, 1
CONTROLS = (REWIRED, RANDOM, NO_EDGES)


def true_bundle(screen: Screen) -> Bundle:
    """The network behind a screen as a graph bundle: edges by type, one eRegulon a TF, activity by AUCell."""
    genes, edges = screen.data.var_names, screen.edges
    number = {gene: i for i, gene in enumerate(genes)}
    table = pd.DataFrame(
        {
            "tf": edges["tf"].map(number),
            "gene": edges["gene"].map(number),
            "weight": edges["strength"],
            "sign": edges["sign"],
        }
    )
    working = edges["cell_types"].explode()
    by_type = (
        table.loc[working.index].assign(cell_type=working.to_numpy()).astype(EDGE_TYPES)
    )
    eregulons = table.assign(eregulon=table["tf"]).astype(EDGE_TYPES)
    names = [tf for i, tf in enumerate(screen.tfs) if (table["tf"] == i).any()]
    place = {number[tf]: i for i, tf in enumerate(names)}
    eregulons["eregulon"] = eregulons["tf"].map(place)
    activated = eregulons.loc[eregulons["sign"] > 0, ["eregulon", "gene"]]
    own = pd.DataFrame(
        {"eregulon": range(len(names)), "gene": [number[tf] for tf in names]}
    )
    members = pd.concat([own, activated]).sort_values(
        ["eregulon", "gene"], ignore_index=True
    )
    sets = sp.csc_matrix(
        (np.ones(len(members)), (members["gene"], members["eregulon"])),
        shape=(len(genes), len(names)),
    )
    cutoff = len(genes) // 4
    auc = score_cells(sp.csr_matrix(screen.data.X), sets, cutoff)
    threshold = np.quantile(auc[screen.rows("train")], 1 - ACTIVE_SHARE, axis=0).astype(
        float
    )
    cell, active = np.nonzero(auc > threshold)
    graph = Graph(
        genes=pd.DataFrame(
            {"node": range(len(genes)), "gene": genes, "token": range(len(genes))}
        ).assign(is_tf=np.isin(genes, screen.tfs)),
        edges=by_type[["cell_type", "tf", "gene", "weight", "sign"]].reset_index(
            drop=True
        ),
        eregulons=eregulons[["eregulon", "tf", "gene", "weight", "sign"]],
        activity=pd.DataFrame(
            {"cell": screen.data.obs_names.to_numpy(object)[cell], "eregulon": active}
        ),
        eregulon_names=names,
        members=members.assign(gene=genes[members["gene"]]),
        thresholds=pd.DataFrame(
            {"eregulon": range(len(names)), "threshold": threshold}
        ),
        rank_cutoff=cutoff,
    )
    meta = {"mode": "hybrid", "scales": list(SCALES), "cell_types": screen.cell_types}
    return Bundle(
        graph, pd.DataFrame({"gene": [], "reason": [], "edges_lost": []}), meta
    )


def arm_bundle(bundle: Bundle, scale: str, network: str, seed: int) -> Bundle:
    """The bundle on a scale (`cell_type`, `cell` or `hybrid`) with the true network, or a control in its place."""
    rng = np.random.default_rng(seed)
    graph = (
        bundle.graph
        if network in (TRUE, BACKBONE)
        else MODES[network](bundle.graph, rng)
    )
    meta = {**bundle.meta, "mode": scale, "scales": scales_of(scale)}
    return Bundle(MODES[scale](graph, rng), bundle.lost, meta)


def run_arm(
    path: str | Path,
    screen: Screen,
    bundle: Bundle,
    network: str,
    settings: dict[str, Any],
    *,
    model_seed: int,
    folder: str | Path,
) -> dict[str, float]:
    """Pretrain one arm on a screen's training cells and score it on what was held out.

    Parameters
    ----------
    path
        Where `screen.data` lies as .h5ad.
    bundle
        Of the arm.
    network
        `true`, a control, or `backbone`: without an adapter.
    settings
        The config section `pretrain` with `size` and `size_name` in place of `sizes`.
    folder
        For checkpoints.

    Returns
    -------
    loss_heldout, loss_new_type, loss_perturbed: mean loss of masked tokens (squared error in deviations of the gene, or
    nats) of unperturbed cells of the training types, of a type without training cells and of cells with held-out
    perturbations. shift: mean over held-out perturbations of Pearson's r, over the targets, between predicted and
    true shift of expression (backbones that predict values alone). beta: of the adapter.
    """
    from grnformer.data.batcher import Batcher
    from grnformer.data.corpus import Corpus
    from grnformer.graph.structure import read_structure
    from grnformer.infer.evaluate import evaluate, heldout_batches
    from grnformer.model.backbones import BACKBONES
    from grnformer.train.pretrain import pretrain

    obs, size = screen.data.obs, settings["size"]
    split = pd.DataFrame(
        {
            "cell": screen.data.obs_names.to_numpy(object),
            "cell_type": obs["cell_type"].to_numpy(),
        }
    )
    split["split"] = obs["set"].to_numpy()
    arm = {"graph": network, "adapter": network != BACKBONE, "perturbation": "none"}
    with Corpus.of_dataset(path, list(screen.data.var_names)) as store:
        done = pretrain(
            store,
            split,
            bundle,
            arm,
            settings,
            model_seed=model_seed,
            checkpoints=folder,
            threads=1,
            checkpoint=None,
            medians=None,
        )
        if done is None:
            raise RuntimeError("the positive control runs in one process")
        tokeniser = BACKBONES[settings["backbone"]].tokeniser(**done.card["tokeniser"])
        chosen = {key: size[key] for key in ("n_tokens", "mask_fraction")}
        cells = Batcher(
            store, bundle.graph, bundle.meta["cell_types"], tokeniser, **chosen
        )
        model, structure = done.model, None
        if arm["adapter"]:
            structure = read_structure(
                bundle.graph,
                bundle.meta["scales"],
                cells.cell_types,
                size["gnn"]["direction"],
            )
        baseline = np.zeros((len(cells.cell_types), len(screen.data.var_names)))
        if model.masks_genes:
            baseline = np.ones((len(baseline) + 1, baseline.shape[1]))
        found: dict[str, float] = {"beta": done.heldout["beta"] or 0.0}
        for name, repeats in (("heldout", 2), ("new_type", 2), ("perturbed", 1)):
            rows = screen.rows(name)
            batches = heldout_batches(
                cells, rows, batch_size=64, repeats=repeats, seed=settings["seed"]
            )
            found[f"loss_{name}"] = evaluate(
                model, structure, batches, baseline, settings["seed"]
            )["loss"]
        if not model.masks_genes:
            found["shift"] = _score_shifts(
                screen, cells, model, structure, settings["seed"]
            )
    return found


def _score_shifts(
    screen: Screen, cells: Any, model: Any, structure: Any, seed: int
) -> float:
    """Mean over perturbations of the correlation of predicted and true shift over all genes but TFs."""
    shown = screen.rows("heldout")[:SHOWN]
    true = true_shifts(
        screen,
        cells.values(np.arange(screen.data.n_obs)).toarray() / model.sd_N.numpy(),
    )
    scores = []
    for name, shift in true.items():
        gene, up = int(screen.data.var_names.get_loc(name[:-1])), name.endswith("+")
        predicted = predict_shift(
            model,
            structure,
            cells,
            shown,
            gene,
            # as high as the cell's highest gene, or nothing left
            Edit(OVER_EXPRESSION, 1.0) if up else Edit(KNOCK_DOWN, 0.0),
            repeats=DRAWS,
            batch_size=SHOWN,
            seed=seed,
        )
        scores.append(correlate(shift, predicted, screen))
    return float(np.mean(scores))


def true_shifts(screen: Screen, values: np.ndarray) -> dict[str, np.ndarray]:
    """Held-out perturbation -> mean of the cells that have it less that of unperturbed cells of the same types."""
    control, perturbed = screen.rows("heldout"), screen.rows("perturbed")
    types, names = (
        screen.data.obs[column].to_numpy() for column in ("cell_type", "perturbation")
    )
    mean = {
        kind: values[control[types[control] == kind]].mean(axis=0)
        for kind in set(types[control])
    }
    without = np.stack([mean[kind] for kind in types[perturbed]])
    shift = values[perturbed] - without
    return {
        name: shift[names[perturbed] == name].mean(axis=0)
        for name in dict.fromkeys(names[perturbed].tolist())
    }


def correlate(true: np.ndarray, predicted: np.ndarray, screen: Screen) -> float:
    """Pearson's r over the targets (no TF) that have a prediction; 0 where that is constant."""
    known = ~np.isin(screen.data.var_names, screen.tfs) & np.isfinite(predicted)
    if predicted[known].std() < 1e-9:
        return 0.0
    return float(np.corrcoef(true[known], predicted[known])[0, 1])


def coexpression_baseline(screen: Screen) -> float:
    """What the same score is if a shift is the TF's correlation with each gene in the training cells, signed."""
    x = screen.data.X.toarray()
    true = true_shifts(screen, x / np.maximum(x.std(axis=0), 1e-6))
    r = np.nan_to_num(np.corrcoef(x[screen.rows("train")].T))
    scores = []
    for name, shift in true.items():
        of_tf = r[screen.data.var_names.get_loc(name[:-1])]
        scores.append(correlate(shift, of_tf if name.endswith("+") else -of_tf, screen))
    return float(np.mean(scores))
