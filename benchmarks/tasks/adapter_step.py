"""Training steps of the model at a size of pretraining, with hybrid graphs or without (the backbone alone)."""

import time

import numpy as np
import torch

from grnformer.data.batch import Batch
from grnformer.graph.perturb import Perturbation
from grnformer.graph.structure import make_edges
from grnformer.model.grnformer import GRNFormer


def edges(rng, n_edges, n_tfs, n_genes, gate):
    weight = rng.uniform(0.1, 1, n_edges) * rng.choice([-1, 1], n_edges)
    source, target = rng.integers(0, n_tfs, n_edges), rng.integers(0, n_genes, n_edges)
    return make_edges(source, target, weight, gate)


def prepare(arrays, options):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    size, n_genes, n_tfs, n_sets = (
        options["size"],
        options["n_genes"],
        options["n_tfs"],
        options["n_eregulons"],
    )
    n_tokens, n_cells = size["n_tokens"], options["n_cells"]
    types = [edges(rng, options["n_edges"], n_tfs, n_genes, -1) for _ in range(4)]
    of_cells = edges(rng, n_sets * 60, n_tfs, n_genes, np.repeat(np.arange(n_sets), 60))
    structure = {"cell_type": types, "cell": [of_cells]}
    genes = np.stack([rng.permutation(n_genes)[:n_tokens] for _ in range(n_cells)])
    values = rng.random(genes.shape).astype(np.float32) * (
        rng.random(genes.shape) < size["expressed_fraction"]
    )
    masked = rng.random(genes.shape) < size["mask_fraction"]
    active = (rng.random((n_cells, n_sets)) < options["active"]).astype(np.float32)
    batch = Batch(
        *map(torch.from_numpy, (genes, values, masked)),
        rng.integers(4, size=n_cells),
        torch.from_numpy(active),
    )
    gnn = {key: value for key, value in size["gnn"].items() if key != "direction"}
    state = {"batch": batch, "structure": structure}
    for arm in ("graph", "none"):
        backbone = {"name": "scgpt", **size["backbones"]["scgpt"]}
        adapter = size["adapter"] if arm == "graph" else None
        moments = np.full(n_genes, 0.3), np.full(n_genes, 0.5)
        model = GRNFormer(
            n_genes, backbone, adapter, gnn, ["cell_type", "cell"], n_tokens, *moments
        ).train()
        state[arm] = (
            model,
            torch.optim.AdamW(
                [p for p in model.parameters() if p.requires_grad], lr=1e-4
            ),
        )
        step(state, arm, 0)
    return state


def step(state, arm, number):
    """Draw the graphs, forward, backward, update: seconds of the wall and of the CPU."""
    model, optimiser = state[arm]
    start = time.perf_counter(), time.process_time()
    structure = state["structure"] if arm == "graph" else None
    drawn = np.random.default_rng(number), Perturbation("coexpression", 0.2, 0.0)
    h_BTD, structure_BNS = model.run(state["batch"], structure, *drawn, for_loss=True)
    from_gene, from_cell = model.losses(h_BTD, state["batch"], structure_BNS)
    optimiser.zero_grad()
    (from_gene.mean() + 0.5 * from_cell.mean()).backward()
    optimiser.step()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def run(state, options):
    """Steps of both arms in turn, so that a slow moment of the machine falls on both."""
    seconds = {"graph": [], "none": []}
    for number in range(options["repeats"]):
        for arm, taken in seconds.items():
            taken.append(step(state, arm, number)[1])
    return {arm: np.array(taken) for arm, taken in seconds.items()}
