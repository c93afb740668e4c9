"""Attention of the models of one arm: enrichment on TFs, mass of every gene, regulator-target pairs, what it is for."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.bench.attention.enrichment import MatchedNull, degree_strata, expression_strata, joint_strata
from grnformer.bench.attention.pairs import score_pairs
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.data.batcher import Batcher
from grnformer.data.corpus import Corpus
from grnformer.data.split import sample_rows
from grnformer.graph.bundle import Bundle, read_bundle
from grnformer.graph.structure import Structure, read_structure
from grnformer.grn.cell_type.names import file_names
from grnformer.infer.attention import VARIANTS, Received, attention_batches, collect_attention
from grnformer.model.backbones import BACKBONES
from grnformer.model.grnformer import GRNFormer
from grnformer.model.saved import load_model
from grnformer.model.start import start_model

logger = logging.getLogger(__name__)
MATCHES = ("none", "expression", "degree", "degree_expression", "in_degree_expression")
Tables = dict[str, pd.DataFrame]


def analyse_models(
    folders: list[str],
    bundle_dir: str,
    multiome: str,
    split_path: str,
    networks_dir: str,
    settings: dict[str, Any],
    size: dict[str, Any],
    *,
    checkpoint: str | None,
) -> Tables:
    """Analyse the models of one arm (one a seed) on the same held-out cells.

    Parameters
    ----------
    folders
        Of `pretrain_model`.
    bundle_dir
        The graph bundle that they were trained on.
    multiome, split_path
        Cells, and which were held out.
    networks_dir
        The inferred network of each cell type: edges and degrees for all arms alike, whatever graph an arm was given.
    settings
        The config section `attention`.
    size
        The chosen preset of `pretrain.sizes`: mask_fraction, gene_start, block_cells, held_blocks.
    checkpoint
        The published one that training started from.

    Returns
    -------
    Tables by the contracts attention_enrichment, attention_mass, attention_pairs, attention_pair_scores and
    attention_contribution.

    Raises
    ------
    InputError
        If no cell is held out.
    """
    bundle, split = read_bundle(bundle_dir), io.read_table(split_path, "split")
    genes = bundle.graph.genes
    loaded = [load_model(folder) for folder in folders]
    card = loaded[0][1]
    tokeniser = BACKBONES[card["arguments"]["backbone"]["name"]].tokeniser(**card["tokeniser"])
    with Corpus.of_dataset(multiome, genes["gene"].tolist()) as store:
        n_tokens = min(settings["max_tokens"], card["arguments"]["n_tokens"])
        cells = Batcher(
            store,
            bundle.graph,
            bundle.meta["cell_types"],
            tokeniser,
            n_tokens=n_tokens,
            mask_fraction=size["mask_fraction"],
        )
        structure = read_structure(bundle.graph, bundle.meta["scales"], cells.cell_types, card["embed"]["direction"])
        place = split.set_index("cell")["split"].reindex(store.cells).to_numpy(object)
        train = np.flatnonzero(place == "train")
        models = [(int(c["seed"]), "trained", model) for model, c in loaded]
        models += [
            (s, "untrained", model_before(m, card, s, genes, cells, train, size, checkpoint)) for s, _, m in models
        ]
        parts: list[Tables] = []
        for number, name in enumerate(cells.cell_types):
            rows = np.flatnonzero((place == "heldout") & (cells.type_of_cell == number))
            drawn = np.random.default_rng([settings["seed"], number]).permutation(rows)
            rows = np.sort(drawn[: settings["cells_per_type"]])
            if not len(rows):
                logger.warning("no held-out cell of %s: the type is left out", name)
                continue
            network = _network(networks_dir, name, genes)
            parts.append(_analyse_type(name, rows, models, structure, cells, bundle, network, settings))
    if not parts:
        raise InputError("no held-out cell", "some of each cell type", "raise pretrain.heldout_fraction")
    return {key: pd.concat([part[key] for part in parts], ignore_index=True) for key in parts[0]}


def model_before(
    trained: GRNFormer,
    card: dict[str, Any],
    seed: int,
    genes: pd.DataFrame,
    cells: Batcher,
    train: np.ndarray,
    size: dict[str, Any],
    checkpoint: str | None,
) -> GRNFormer:
    """The model of a seed as it was before its first step."""
    kind = BACKBONES[card["arguments"]["backbone"]["name"]]
    architecture = {key: value for key, value in card["arguments"]["backbone"].items() if key != "name"}
    published = None if checkpoint is None else kind.read_published(Path(checkpoint), architecture)
    sample = sample_rows(train, size["block_cells"] * size["held_blocks"])
    seen = (lambda: cells.filled_values(sample)) if size["gene_start"] == "coexpression" else None
    moments = trained.mean_N.numpy(), trained.sd_N.numpy()
    return start_model(genes, card["arguments"], *moments, seed, published=published, seen=seen).eval()


def _network(folder: str, cell_type: str, genes: pd.DataFrame) -> pd.DataFrame:
    """Edges of a type's inferred network among the genes, by node number; none where it has no network."""
    path = Path(folder) / f"{file_names([cell_type])[cell_type]}.parquet"
    columns = ["tf", "gene", "sign", "eregulons"]
    if not path.exists():
        return pd.DataFrame({name: [] for name in columns}).astype({"tf": int, "gene": int})
    table = io.read_table(path, "cell_type_grn")[columns]
    node = pd.Series(genes["node"].to_numpy(), index=genes["gene"])
    table = table.assign(tf=table["tf"].map(node), gene=table["gene"].map(node)).dropna(subset=["tf", "gene"])
    return table.astype({"tf": int, "gene": int}).reset_index(drop=True)


def _analyse_type(
    name: str,
    rows: np.ndarray,
    models: list[tuple[int, str, GRNFormer]],
    structure: Structure,
    cells: Batcher,
    bundle: Bundle,
    network: pd.DataFrame,
    settings: dict[str, Any],
) -> Tables:
    genes, seed = bundle.graph.genes, settings["seed"]
    is_tf, n_genes = genes["is_tf"].to_numpy(bool), len(genes)
    adapter = models[0][2].adapter
    if adapter is None:
        raise InputError("a model without an adapter", "an arm with one", "leave the arm out of attention.arms")
    batches = list(attention_batches(cells, rows, draws=settings["draws"], n_heads=adapter.n_heads, seed=seed))
    own = bundle.graph.edges[bundle.graph.edges["cell_type"] == name]
    about = pd.DataFrame(
        {
            "gene": genes["gene"],
            "is_tf": is_tf,
            "in_degree": np.bincount(network["gene"], minlength=n_genes),
            "out_degree": np.bincount(network["tf"], minlength=n_genes),
            "own_in_degree": np.bincount(own["gene"], minlength=n_genes),
            "expression": np.asarray(cells.corpus.read(rows).mean(0), dtype=float).ravel(),
        }
    )
    collected = [
        (model_seed, state, collect_attention(model, structure, batches, is_tf, seed, measure=state == "trained"))
        for model_seed, state, model in models
    ]
    logger.info("%s: %d held-out cells, %d models", name, len(rows), len(models))
    trained = [(model_seed, received) for model_seed, state, received in collected if state == "trained"]
    contribution = pd.DataFrame([{"seed": model_seed, **_contribution(received)} for model_seed, received in trained])
    pairs, pair_scores = _pairs(trained, genes, is_tf, network, settings)
    tables = {
        "enrichment": _enrichment(collected, about, settings),
        "mass": pd.concat(
            [_mass(received, about).assign(seed=s, state=state) for s, state, received in collected], ignore_index=True
        ),
        "pairs": pairs,
        "pair_scores": pair_scores,
        "contribution": contribution.assign(cells=len(rows), loss_unit=models[0][2].backbone.loss_unit),
    }
    return {key: table.assign(cell_type=name) for key, table in tables.items()}


def _enrichment(
    collected: list[tuple[int, str, Received]], about: pd.DataFrame, settings: dict[str, Any]
) -> pd.DataFrame:
    is_tf = about["is_tf"].to_numpy()
    keys_QN = collected[0][2].keys_QN  # the same cells, tokens and masks for all models
    weight = keys_QN.min(0)
    degree = degree_strata((about["in_degree"] + about["out_degree"]).to_numpy(), settings["degree_bins"])
    incoming = degree_strata(about["in_degree"].to_numpy(), settings["degree_bins"])
    expression = expression_strata(about["expression"].to_numpy(), settings["expression_bins"])
    strata = {
        "none": np.zeros(len(about), int),
        "expression": expression,
        "degree": degree,
        "degree_expression": joint_strata(degree, expression),
        "in_degree_expression": joint_strata(incoming, expression),
    }
    rows = []
    for match in MATCHES:
        rng = np.random.default_rng(settings["seed"])
        null = MatchedNull(is_tf, strata[match], weight, settings["null_draws"], rng)
        for model_seed, state, received in collected:
            for q, kind in enumerate(received.kinds):
                mass_NC = received.mass_QNC[q] / np.maximum(received.keys_QN[q], 1)[:, None]
                tested = asdict(null.test(mass_NC))
                n_columns = mass_NC.shape[1]
                rows.append(
                    pd.DataFrame(
                        {
                            "seed": model_seed,
                            "state": state,
                            "queries": kind,
                            "head": [*map(str, range(n_columns - 1)), "mean"],
                            "matched_on": match,
                            **tested,
                            "tfs": len(null.tfs),
                            "tfs_unmatched": null.unmatched_tfs,
                            "tfs_unseen": null.unseen_tfs,
                            "others": null.n_others,
                        }
                    )
                )
    return pd.concat(rows, ignore_index=True)


def _mass(received: Received, about: pd.DataFrame) -> pd.DataFrame:
    """Mean over heads of what each gene that was a key received, from the genes' own queries and from masked ones."""
    keys = received.keys_QN[0]
    mass = {f"mass_{kind}": received.mass_QNC[q, :, -1] for q, kind in enumerate(received.kinds)}
    counts = {f"mass_{kind}": received.keys_QN[q] for q, kind in enumerate(received.kinds)}
    with np.errstate(invalid="ignore"):
        table = about.assign(keys=keys, **{name: mass[name] / counts[name] for name in mass})
    if "mass_cell" not in table:
        table["mass_cell"] = np.nan
    return table[keys > 0].reset_index(drop=True)


def _pairs(
    trained: list[tuple[int, Received]],
    genes: pd.DataFrame,
    is_tf: np.ndarray,
    network: pd.DataFrame,
    settings: dict[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    place = np.cumsum(is_tf) - 1
    known = network[is_tf[network["tf"]]]
    counts_NF = trained[0][1].pairs_NF
    candidate_NF = counts_NF >= settings["min_observed"]
    edge_NF = np.zeros(counts_NF.shape, bool)
    edge_NF[known["gene"], place[known["tf"]]] = True
    n_cells = np.maximum(counts_NF, 1)
    rows = []
    for model_seed, received in trained:
        rng = np.random.default_rng(settings["seed"])
        scored = score_pairs(
            received.pair_NF / n_cells, candidate_NF, edge_NF, settings["top_pairs"], settings["null_draws"], rng
        )
        rows.append({"seed": model_seed, **asdict(scored)})
    mean_NF = np.where(candidate_NF, sum(received.pair_NF for _, received in trained) / n_cells / len(trained), -np.inf)
    best = np.argsort(-mean_NF, axis=None, kind="stable")[: min(settings["top_pairs"], int(candidate_NF.sum()))]
    target, tf = np.unravel_index(best, mean_NF.shape)
    by_seed = np.stack([(received.pair_NF / n_cells)[target, tf] for _, received in trained])
    names, tf_nodes = genes["gene"].to_numpy(object), np.flatnonzero(is_tf)
    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(best) + 1),
            "tf": names[tf_nodes[tf]],
            "target": names[target],
            "attention": mean_NF[target, tf].astype(float),
            "least": by_seed.min(0).astype(float),
            "greatest": by_seed.max(0).astype(float),
            "cells": counts_NF[target, tf],
            "edge": edge_NF[target, tf],
        }
    )
    edges = known.assign(tf=names[known["tf"]], target=names[known["gene"]])
    table = table.merge(edges[["tf", "target", "sign", "eregulons"]], on=["tf", "target"], how="left")
    table["sign"] = table["sign"].fillna(0).astype(int)
    table["eregulons"] = [
        ", ".join(x) if isinstance(x, (list, tuple, np.ndarray)) else None for x in table["eregulons"]
    ]
    return table, pd.DataFrame(rows)


def _contribution(received: Received) -> dict[str, float]:
    total = received.totals
    shares = {name: total[name] / total["tokens"] for name in ("own", "norm", "pattern")}
    losses = {f"loss_{name}": total[name] / max(total["masked"], 1.0) for name in VARIANTS}
    return {"tokens": int(total["tokens"]), "masked": int(total["masked"]), **shares, **losses}
