"""Attention of the models of one arm: enrichment on TFs, mass of every gene, regulator-target pairs, what it is for."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grnformer.bench.attention.enrichment import compare_models
from grnformer.bench.attention.pairs import rank_pairs
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.data.batcher import Batcher
from grnformer.data.corpus import Corpus
from grnformer.data.split import sample_rows
from grnformer.graph.bundle import Bundle, read_bundle
from grnformer.graph.knowledge import ENDS
from grnformer.graph.structure import Structure, read_structure
from grnformer.infer.attention import (
    VARIANTS,
    Received,
    attention_batches,
    collect_attention,
)
from grnformer.model.alike import check_trained_alike
from grnformer.model.backbones import BACKBONES
from grnformer.model.grnformer import GRNFormer
from grnformer.model.saved import load_model
from grnformer.model.start import start_model

logger = logging.getLogger(__name__)
Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class _Model:
    """A model of one seed, trained or as it was before its first step."""

    seed: int
    state: str
    network: GRNFormer


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
        If no cell is held out, or the models were not trained alike.
    """
    bundle, split = read_bundle(bundle_dir), io.read_table(split_path, "split")
    genes = bundle.graph.genes
    check_trained_alike(f"{folder}/model.json" for folder in folders)
    loaded = [load_model(folder) for folder in folders]
    # Seeds of one arm differ in their weights only.
    card = loaded[0][1]

    with Corpus.of_dataset(multiome, genes["gene"].tolist()) as corpus:
        cells = _batcher(corpus, bundle, card, settings, size)
        structure = read_structure(
            bundle.graph,
            bundle.meta["scales"],
            cells.cell_types,
            card["embed"]["direction"],
        )

        # One part a cell, in the order of the corpus.
        part = split.set_index("cell")["split"].reindex(corpus.cells).to_numpy(object)
        train = np.flatnonzero(part == "train")

        models = [
            _Model(int(saved["seed"]), "trained", network) for network, saved in loaded
        ]
        # The slice is a copy: the loop appends to the list that it reads.
        for model in models[: len(loaded)]:
            before = model_before(
                model.network, card, model.seed, genes, cells, train, size, checkpoint
            )
            models.append(_Model(model.seed, "untrained", before))

        analysed: list[Tables] = []
        for number, name in enumerate(cells.cell_types):
            # Seeded by the type only: the same cells for every arm.
            heldout = np.flatnonzero(
                (part == "heldout") & (cells.type_of_cell == number)
            )
            shuffled = np.random.default_rng([settings["seed"], number]).permutation(
                heldout
            )
            # Ascending, as readers of the corpus expect.
            rows = np.sort(shuffled[: settings["cells_per_type"]])
            if not len(rows):
                logger.warning("no held-out cell of %s: the type is left out", name)
                continue

            network = _read_network(networks_dir, name, genes)
            analysed.append(
                _analyse_type(
                    name, rows, models, structure, cells, bundle, network, settings
                )
            )

    if not analysed:
        raise InputError(
            "no held-out cell",
            "some of each cell type",
            "raise pretrain.heldout_fraction",
        )
    return {
        key: pd.concat([tables[key] for tables in analysed], ignore_index=True)
        for key in analysed[0]
    }


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
    """The model of a seed as it was before its first step: its weights are rebuilt, since none are stored."""
    # A copy: the name is popped, and the card is read again below.
    architecture = dict(card["arguments"]["backbone"])
    kind = BACKBONES[architecture.pop("name")]
    published = (
        None
        if checkpoint is None
        else kind.read_published(Path(checkpoint), architecture)
    )
    # The cells from which training took its start by coexpression.
    sample = sample_rows(train, size["block_cells"] * size["held_blocks"])
    seen = (
        (lambda: cells.filled_values(sample))
        if size["gene_start"] == "coexpression"
        else None
    )

    # Buffers, not weights: training left the moments and the linear part as they were.
    moments = trained.mean_N.numpy(), trained.sd_N.numpy()
    before = start_model(
        genes, card["arguments"], *moments, seed, published=published, seen=seen
    )
    before.linear = trained.linear
    return before.eval()


def _batcher(
    corpus: Corpus,
    bundle: Bundle,
    card: dict[str, Any],
    settings: dict[str, Any],
    size: dict[str, Any],
) -> Batcher:
    tokeniser = BACKBONES[card["arguments"]["backbone"]["name"]].tokeniser(
        **card["tokeniser"]
    )

    # Attention takes memory by the square of the tokens: a limit of its own.
    n_tokens = min(settings["max_tokens"], card["arguments"]["n_tokens"])
    sizes = {"n_tokens": n_tokens, "mask_fraction": size["mask_fraction"]}
    return Batcher(corpus, bundle.graph, bundle.meta["cell_types"], tokeniser, **sizes)


def _read_network(folder: str, cell_type: str, genes: pd.DataFrame) -> pd.DataFrame:
    """Edges of a type's inferred network among the genes, by node number; none where it has no network."""
    path = Path(folder) / f"{file_names([cell_type])[cell_type]}.parquet"
    columns = ["tf", "gene", "sign", "eregulons"]
    if not path.exists():
        return pd.DataFrame(columns=columns).astype(
            {"tf": int, "gene": int, "sign": int}
        )

    # Genes of the network that the backbone does not know have no token, and so no attention.
    table = io.read_table(path, "cell_type_grn")[columns].copy()
    node = pd.Series(genes["node"].to_numpy(), index=genes["gene"])
    for end in ("tf", "gene"):
        table[end] = table[end].map(node)
    table = table.dropna(subset=["tf", "gene"])
    return table.astype({"tf": int, "gene": int}).reset_index(drop=True)


def _analyse_type(
    name: str,
    rows: np.ndarray,
    models: list[_Model],
    structure: Structure,
    cells: Batcher,
    bundle: Bundle,
    network: pd.DataFrame,
    settings: dict[str, Any],
) -> Tables:
    seed, first = settings["seed"], models[0].network
    if first.adapter is None:
        raise InputError(
            "a model without an adapter",
            "an arm with one",
            "leave the arm out of attention.arms",
        )
    n_heads = first.adapter.n_heads

    # A list, not a stream: every model must see the same tokens and masks.
    batches = list(
        attention_batches(
            cells, rows, samples=settings["draws"], n_heads=n_heads, seed=seed
        )
    )

    about = _describe_genes(name, rows, cells, bundle, network)
    is_tf = about["is_tf"].to_numpy()

    collected, trained = [], {}
    for model in models:
        # Losses under changed attention cost most of the time, and say nothing before training.
        measure = model.state == "trained"
        received = collect_attention(
            model.network, structure, batches, is_tf, seed, measure=measure
        )
        collected.append((model.seed, model.state, received))
        if measure:
            trained[model.seed] = received
    logger.info("%s: %d held-out cells, %d models", name, len(rows), len(models))

    mass = [
        _mass(received, about).assign(seed=seed, state=state)
        for seed, state, received in collected
    ]
    contribution = pd.DataFrame(
        [
            {"seed": seed, **_contribution(received)}
            for seed, received in trained.items()
        ]
    )
    pairs, pair_scores = rank_pairs(
        trained, about["gene"].to_numpy(object), is_tf, network, settings
    )
    tables = {
        "enrichment": compare_models(collected, about, settings),
        "mass": pd.concat(mass, ignore_index=True),
        "pairs": pairs,
        "pair_scores": pair_scores,
        "contribution": contribution.assign(
            cells=len(rows), loss_unit=first.backbone.loss_unit
        ),
    }
    return {key: table.assign(cell_type=name) for key, table in tables.items()}


def _describe_genes(
    name: str,
    rows: np.ndarray,
    cells: Batcher,
    bundle: Bundle,
    network: pd.DataFrame,
) -> pd.DataFrame:
    """Links of each gene in the inferred network and in the arm's graph, and its expression; one row a node."""
    genes = bundle.graph.genes
    given = bundle.graph.edges[bundle.graph.edges["cell_type"] == name]
    # knowledge has no direction: each end is a target; integers also where there is no row
    ends = bundle.graph.knowledge[ENDS].to_numpy(np.int64).ravel()
    targets = np.concatenate([given["gene"].to_numpy(np.int64), ends])
    return pd.DataFrame(
        {
            "gene": genes["gene"],
            "is_tf": genes["is_tf"].astype(bool),
            # minlength: genes without a link have 0 in place of no entry
            "in_degree": np.bincount(network["gene"], minlength=len(genes)),
            "out_degree": np.bincount(network["tf"], minlength=len(genes)),
            # not matched on: degrees of the inferred network are alike for all arms
            "own_in_degree": np.bincount(targets, minlength=len(genes)),
            "expression": np.asarray(
                cells.corpus.read(rows).mean(0), dtype=float
            ).ravel(),
        }
    )


def _mass(received: Received, about: pd.DataFrame) -> pd.DataFrame:
    """What each gene that was a key received, by kind of query, mean over heads; NaN where there is no such query."""
    # Masked queries come first among the kinds: their keys are counted here.
    table = about.assign(keys=received.keys_QN[0])
    for kind, mass_NC, keys_N in zip(
        received.kinds, received.mass_QNC, received.keys_QN, strict=True
    ):
        # A gene that no query of a kind could attend to has 0 of 0: NaN.
        with np.errstate(invalid="ignore"):
            table[f"mass_{kind}"] = mass_NC[:, -1] / keys_N
    if "mass_cell" not in table:
        table["mass_cell"] = np.nan

    return table[table["keys"] > 0].reset_index(drop=True)


def _contribution(received: Received) -> dict[str, float]:
    """Means of the totals over tokens, and of the losses over masked tokens."""
    total = received.totals
    means: dict[str, float] = {name: int(total[name]) for name in ("tokens", "masked")}
    for name in ("own", "norm", "pattern"):
        means[name] = total[name] / total["tokens"]
    for name in VARIANTS:
        means[f"loss_{name}"] = total[name] / max(total["masked"], 1.0)
    return means
