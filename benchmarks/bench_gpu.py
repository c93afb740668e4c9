"""Training on a GPU: the same losses as on a CPU, and how fast it is. Eight minutes on one H100; needs CUDA.

Checks: losses of a CPU (float32), of bfloat16 and of compiled layers; a run that was stopped on one device and goes on
on the other; DDP and FSDP of one process by NCCL; two processes on one GPU refused. Speed: whole steps of training
(reading cells, graphs, adapter, optimiser) of the three backbones at the sizes base and paper, with and without graphs,
beside the bare layers in nn.TransformerEncoder on random tokens, and the part of the card's measured bfloat16 product.
A row that fails says why, and the others go on. ``--device cpu --steps 2 --sizes tiny`` tries the kit without a GPU.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from table import Table, say
from torch import nn

from grnformer.core.errors import InputError
from grnformer.data.corpus import Corpus
from grnformer.graph.bundle import EDGE_TYPES, SCALES, Bundle, Graph
from grnformer.settings.read import read_defaults
from grnformer.train.pretrain import pretrain
from grnformer.train.processes import make_fabric
from grnformer.train.progress import Progress

N_CELLS, N_TYPES, N_TFS, N_SETS, MEMBERS, N_EDGES = 512, 4, 200, 300, 60, 6000
GENES = {"tiny": 3000, "base": 3000, "paper": 20_000}
EXPRESSED = {"tiny": 600, "base": 2200, "paper": 4500}  # genes of a cell
FIRST = 3  # steps not timed
# bounds of losses, relative: the same computation, float32 on two devices, bfloat16; of embeddings, in SDs
SAME, EXACT, HALF, EMBEDDED = 1e-12, 1e-4, 0.02, 1e-3
# cells of a step at paper size, for one card of 80 GB
CELLS = {"scgpt": 32, "geneformer": 8, "scfoundation": 4}
BACKBONES = ("scgpt", "geneformer", "scfoundation")
ARMS = {
    "none": {"graph": "none", "adapter": False, "perturbation": "none"},
    "hybrid": {"graph": "hybrid", "adapter": True, "perturbation": "coexpression"},
}


@dataclass
class Trained:
    """Losses of the steps, wall seconds at the start and after each, tokens of a step, peak memory (MB).

    `scored`: the held-out loss and the reference embedding, where they were asked for.
    """

    losses: np.ndarray = field(default_factory=lambda: np.zeros(0))
    wall: list[float] = field(default_factory=list)
    tokens: int = 0
    memory: float = 0.0
    scored: np.ndarray | None = None

    def step(self) -> float:
        """Median seconds of the later steps."""
        return float(np.median(np.diff(self.wall)[FIRST:]))


@dataclass(frozen=True)
class Data:
    """Random cells on disk, their split and the bundle of random networks."""

    path: Path
    genes: list[str]
    split: pd.DataFrame
    bundle: Bundle


def simulate(folder: Path, n_genes: int, expressed: int) -> Data:
    """Cells with counts of random genes, four types, networks of 200 TFs."""
    rng = np.random.default_rng(1)
    genes = [f"G{i}" for i in range(n_genes)]
    cells = [f"c{i}" for i in range(N_CELLS)]

    columns = np.sort(
        np.stack([rng.permutation(n_genes)[:expressed] for _ in cells]), axis=1
    )
    values = np.log1p(rng.geometric(0.4, columns.shape)).astype(np.float32)
    starts = np.arange(0, columns.size + 1, expressed)
    matrix = sp.csr_matrix(
        (values.ravel(), columns.ravel(), starts), shape=(N_CELLS, n_genes)
    )
    types = np.array([f"type{i % N_TYPES}" for i in range(N_CELLS)], dtype=object)
    data = anndata.AnnData(
        matrix, pd.DataFrame({"cell_type": types}, cells), pd.DataFrame(index=genes)
    )
    path = folder / f"cells_{n_genes}_{expressed}.h5ad"
    data.write_h5ad(path)

    split = pd.DataFrame({"cell": np.array(cells, dtype=object), "cell_type": types})
    split["split"] = np.where(np.arange(N_CELLS) % 64, "train", "heldout")
    return Data(path, genes, split, _bundle(rng, genes, cells, sorted(set(types))))


def _bundle(
    rng: np.random.Generator, genes: list[str], cells: list[str], types: list[str]
) -> Bundle:
    """Networks as large as the demo's: edges of each type, eRegulons of 60 targets, a fifth active in a cell."""

    def edges(tf: np.ndarray, gene: np.ndarray) -> pd.DataFrame:
        weight = rng.uniform(0.1, 1, len(tf))
        sign = rng.choice([-1, 1, 1], len(tf))
        return pd.DataFrame({"tf": tf, "gene": gene, "weight": weight, "sign": sign})

    def pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
        drawn = rng.choice(N_TFS * (len(genes) - N_TFS), n, replace=False)
        return drawn % N_TFS, N_TFS + drawn // N_TFS

    by_type = pd.concat(
        [edges(*pairs(N_EDGES)).assign(cell_type=name) for name in types],
        ignore_index=True,
    )
    regulons = []
    for number in range(N_SETS):
        targets = N_TFS + rng.permutation(len(genes) - N_TFS)[:MEMBERS]
        table = edges(np.full(MEMBERS, number % N_TFS), targets)
        regulons.append(table.assign(eregulon=number))
    eregulons = pd.concat(regulons, ignore_index=True)
    cell, active = np.nonzero(rng.random((len(cells), N_SETS)) < 0.2)

    graph = Graph(
        genes=pd.DataFrame(
            {"node": range(len(genes)), "gene": genes, "token": range(len(genes))}
        ).assign(is_tf=np.arange(len(genes)) < N_TFS),
        edges=by_type.astype(EDGE_TYPES)[["cell_type", "tf", "gene", "weight", "sign"]],
        eregulons=eregulons.astype(EDGE_TYPES)[
            ["eregulon", "tf", "gene", "weight", "sign"]
        ],
        activity=pd.DataFrame(
            {"cell": np.array(cells, dtype=object)[cell], "eregulon": active}
        ),
        eregulon_names=[f"r{i}" for i in range(N_SETS)],
        members=pd.DataFrame(
            {
                "eregulon": eregulons["eregulon"],
                "gene": [genes[i] for i in eregulons["gene"]],
            }
        ),
        thresholds=pd.DataFrame({"eregulon": range(N_SETS), "threshold": 0.1}),
        rank_cutoff=len(genes) // 20,
    )
    lost = pd.DataFrame({"gene": [], "reason": [], "edges_lost": []})
    meta = {"mode": "hybrid", "scales": list(SCALES), "cell_types": types}
    meta |= {"eregulons": graph.eregulon_names, "genes": len(genes)}
    return Bundle(graph, lost, meta)


def train(
    data: Data,
    backbone: str,
    size: str,
    arm: str,
    *,
    steps: int,
    device: str,
    checkpoints: str | Path | None = None,
    stop_after: int | None = None,
    scored: bool = False,
    workers: int = 0,
    **changed: Any,
) -> Trained:
    """Steps of pretraining; held-out scores and embeddings where they are asked for."""
    settings = read_defaults("pretrain")
    chosen = settings.pop("sizes")[size]
    chosen |= chosen["by_backbone"].get(backbone, {})
    chosen |= {"backbone": chosen.pop("backbones")[backbone], "steps": steps}
    # what is drawn on the device itself differs between devices
    chosen["backbone"] |= {"dropout": 0.0}
    if backbone == "geneformer":
        chosen["backbone"]["bert_masks"] = False
    chosen |= {"gene_start": "random", "warmup_steps": 1} | changed
    settings |= {"backbone": backbone, "size": chosen, "size_name": size}
    settings["heldout_repeats"] = 1
    settings["optimiser"] |= {"evaluate_every": 10 * steps, "log_every": 1}
    settings["workers"] = workers
    settings["checkpoints"] |= {"steps": stop_after or 10 * steps}

    trained = Trained()

    class Watched(Progress):
        def __enter__(self) -> Progress:
            trained.wall.append(time.perf_counter())
            return super().__enter__()

        def advance(self, done: int, loss: float, tokens: int) -> None:
            trained.wall.append(time.perf_counter())
            trained.losses = np.append(trained.losses, loss)
            trained.tokens = tokens
            super().advance(done, loss, tokens)

    with ExitStack() as stack:
        if device == "cpu":
            none = stack.enter_context(mock.patch("torch.cuda.device_count"))
            none.return_value = 0
        else:
            torch.cuda.reset_peak_memory_stats()
        stack.enter_context(mock.patch("grnformer.train.loop.Progress", Watched))
        stack.enter_context(mock.patch("grnformer.train.loop.evaluate", _no_scores))
        if not scored:
            stack.enter_context(mock.patch("grnformer.train.pretrain.score", _end))
        cells = stack.enter_context(Corpus.of_dataset(data.path, data.genes))
        folder = checkpoints or stack.enter_context(tempfile.TemporaryDirectory())
        with suppress(_DoneError):
            done = pretrain(
                cells,
                data.split,
                data.bundle,
                ARMS[arm],
                settings,
                model_seed=1,
                checkpoints=folder,
                threads=int(os.environ.get("OMP_NUM_THREADS", "4")),
                checkpoint=None,
                medians=None,
                stop_after=stop_after,
            )
            embedding = done.reference.filter(like="dim_").to_numpy().ravel()
            trained.scored = np.append(embedding, done.heldout["loss"])
    if device == "cuda":
        trained.memory = torch.cuda.max_memory_allocated() / 2**20
        torch.cuda.empty_cache()
    return trained


class _DoneError(Exception):
    """Trained: what comes after is not measured here."""


def _end(*_: Any) -> None:
    raise _DoneError


def _no_scores(*_: Any) -> dict[str, float]:
    return {"loss": 0.0}


@contextmanager
def one_process(strategy: str) -> Iterator[None]:
    """Let `make_fabric` join a group of one process by NCCL, with DDP or FSDP."""
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy, ModelParallelStrategy

    from grnformer.train.sharding import Sharded, shard

    def joined(_: str, precision: str) -> Fabric:
        chosen: Any = DDPStrategy(
            find_unused_parameters=True, process_group_backend="nccl"
        )
        if strategy == "fsdp":
            chosen = ModelParallelStrategy(
                partial(shard, precision=precision),
                data_parallel_size=1,
                tensor_parallel_size=1,
            )
        options: dict[str, Any] = {"devices": 1, "strategy": chosen}
        fabric = Fabric(accelerator="cuda", precision=precision, **options)
        fabric.launch()
        return fabric

    def divided(fabric: Any, loss: Any, plan: Any) -> Any:
        return Sharded(fabric, loss, plan.optimiser, compiled=plan.compiled)

    with ExitStack() as stack:
        stack.enter_context(mock.patch("grnformer.train.pretrain.make_fabric", joined))
        if strategy == "fsdp":
            stack.enter_context(
                mock.patch("grnformer.train.loop._parallelism", divided)
            )
        yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def apart(one: Trained, other: Trained) -> float:
    """Greatest relative difference of the losses."""
    return float(np.abs(one.losses / other.losses - 1).max())


class Runs:
    """Runs of ten steps of one backbone at tiny, with graphs; each is made once."""

    def __init__(self, data: Data, backbone: str, device: str) -> None:
        self.backbone = backbone
        options: dict[str, Any] = {"device": device, "steps": 10}
        # a CPU only tries the kit
        options |= {"batch_size": 4} if device == "cpu" else {}
        self._train = partial(train, data, backbone, "tiny", "hybrid", **options)
        self._made: dict[str, Trained] = {}

    def __call__(self, name: str, **changed: Any) -> Trained:
        """The run of this name."""
        if name not in self._made:
            self._made[name] = self._train(**changed)
        return self._made[name]

    def handed_on(self, one: str, other: str) -> Trained:
        """Five steps on one device, five more on the other."""
        with tempfile.TemporaryDirectory() as folder:
            first = self._train(device=one, stop_after=5, checkpoints=folder)
            rest = self._train(device=other, checkpoints=folder)
        rest.losses = np.concatenate([first.losses, rest.losses])
        return rest

    def joined(self, strategy: str) -> Trained:
        """In a group of one process."""
        with one_process(strategy):
            return self(strategy)


class Kit:
    """Rows of the table; one that fails is noted, and the next goes on until the time is over."""

    def __init__(self, device: str, steps: int, minutes: float) -> None:
        self.device, self.steps = device, steps
        self.table, self.failed = Table("gpu"), 0
        self.end = time.monotonic() + 60 * minutes

    def row(self, what: str, make: Callable[[], None]) -> None:
        """Make a row, if there is time."""
        if time.monotonic() > self.end:
            say(f"left out, the time is over: {what}")
            return
        began = time.monotonic()
        try:
            make()
        except Exception:
            self.failed += 1
            say(f"failed: {what}\n{traceback.format_exc()[-1800:]}")
            self.table.add_bound(f"{what}: failed", "", float("nan"), 0)
        say(f"[{time.monotonic() - began:.1f} s] {what}")

    def check(
        self,
        what: str,
        bound: float,
        one: Callable[[], Trained],
        other: Callable[[], Trained],
    ) -> None:
        """Losses of two runs differ by less than the bound."""

        def make() -> None:
            found = apart(one(), other())
            self.table.add_bound(
                f"{what}: losses, greatest relative difference", "", found, bound
            )

        self.row(what, make)

    def checks(self, runs: Runs) -> None:
        """Whether a GPU computes what a CPU does, with one backbone."""
        device, what = self.device, f"{runs.backbone} tiny, hybrid"
        exact = partial(runs, "float32")
        self.check(
            f"{what}: {device} against cpu, float32",
            EXACT,
            exact,
            partial(runs, "cpu", device="cpu"),
        )
        self.check(f"{what}: once more", SAME, partial(runs, "again"), exact)
        self.check(
            f"{what}: bf16-mixed against float32",
            HALF,
            partial(runs, "bf16", precision="bf16-mixed"),
            exact,
        )
        for one, other in ((device, "cpu"), ("cpu", device)):
            self.check(
                f"{what}: 5 steps on {one}, then on {other}",
                EXACT,
                partial(runs.handed_on, one, other),
                exact,
            )
        self.row(f"{what}: held-out loss and embeddings", partial(self.scores, runs))
        if device == "cuda":
            for strategy in ("ddp", "fsdp"):
                self.check(
                    f"{what}: {strategy} of one process by NCCL",
                    EXACT,
                    partial(runs.joined, strategy),
                    exact,
                )

    def scores(self, runs: Runs) -> None:
        """Held-out loss and embeddings of both devices: the furthest apart, in SDs of the embeddings."""
        found, expected = (
            runs(f"scored on {device}", device=device, scored=True).scored
            for device in (self.device, "cpu")
        )
        self.table.add_bound(
            f"{runs.backbone} tiny, hybrid: held-out loss and embeddings, greatest difference",
            "SD",
            float(np.abs(found - expected).max() / expected.std()),
            EMBEDDED,
        )

    def check_compiled(self, runs: Runs) -> None:
        """Whether compiled layers compute what the others do."""
        self.check(
            f"{runs.backbone} tiny, hybrid: compiled against not",
            EXACT,
            partial(runs, "compiled", compile=True),
            partial(runs, "float32"),
        )

    def speed(
        self, data: Data, backbone: str, size: str, peak: float, *, compiled: bool
    ) -> None:
        """Steps with and without graphs, and the bare layers."""
        settings = read_defaults("pretrain")["sizes"][size]
        settings |= settings["by_backbone"].get(backbone, {})
        cells = CELLS[backbone] if size == "paper" else settings["batch_size"]
        if self.device == "cpu":
            cells = min(cells, 4)
        changed: dict[str, Any] = {"batch_size": cells, "compile": compiled}
        what = f"{backbone} {size}, {cells} cells x {settings['n_tokens']} tokens"
        what += ", compiled" * compiled
        runs: dict[str, Trained] = {}

        def run(name: str, arm: str, **options: Any) -> None:
            runs[name] = train(
                data,
                backbone,
                size,
                arm,
                steps=self.steps,
                device=self.device,
                workers=2 if self.device == "cuda" else 0,
                **(changed | options),
            )
            self.table.add_figure(
                f"{what}, {name}: a step", "ms", 1e3 * runs[name].step()
            )
            self.table.add_figure(
                f"{what}, {name}: tokens of a second",
                "1/s",
                runs[name].tokens / runs[name].step(),
            )
            self.table.add_figure(
                f"{what}, {name}: peak memory", "MB", runs[name].memory
            )

        self.row(f"{what}, none", lambda: run("none", "none"))
        self.row(f"{what}, hybrid", lambda: run("hybrid", "hybrid"))
        if {"none", "hybrid"} <= set(runs):
            self.table.add_cost(
                f"{what}: a step, hybrid against none",
                "ms",
                1e3 * runs["hybrid"].step(),
                1e3 * runs["none"].step(),
            )

        def bare() -> None:
            seconds, flops = layers_alone(
                settings["backbones"][backbone],
                cells,
                settings["n_tokens"],
                self.device,
            )
            self.table.add_cost(
                f"{what}: a step, none against bare layers",
                "ms",
                1e3 * runs["none"].step(),
                1e3 * seconds,
            )
            self.table.add_figure(
                f"{what}: bare layers, of the card's bfloat16 product",
                "fraction",
                flops / seconds / peak,
            )

        if "none" in runs and not compiled:
            self.row(f"{what}, bare layers", bare)


def _refused() -> None:
    environment = {
        "TORCHELASTIC_RUN_ID": "1",
        "LOCAL_WORLD_SIZE": str(torch.cuda.device_count() + 1),
        "WORLD_SIZE": str(torch.cuda.device_count() + 1),
    }
    with mock.patch.dict(os.environ, environment):
        try:
            make_fabric("auto", "32-true")
        except InputError as error:
            say(str(error))
            return
    raise RuntimeError("more processes than GPUs were started")


def layers_alone(
    architecture: dict[str, Any], cells: int, tokens: int, device: str
) -> tuple[float, float]:
    """Seconds of a step of nn.TransformerEncoder in bfloat16, with AdamW, and its floating-point operations."""
    width, depth = architecture["width"], architecture["n_layers"]
    hidden = architecture.get("hidden", 4 * width)
    layer = nn.TransformerEncoderLayer(
        width, architecture["n_heads"], hidden, 0.0, batch_first=True
    )
    encoder = nn.TransformerEncoder(layer, depth).to(device).train()
    optimiser = torch.optim.AdamW(encoder.parameters(), 1e-4)
    h_BTD = torch.randn(cells, tokens, width, device=device)

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            loss = encoder(h_BTD).square().mean()
        loss.backward()
        optimiser.step()

    seconds = _seconds(step, device)
    # three times the forward pass: products of the weights, and of queries, keys and values
    each = 2 * (4 * width**2 + 2 * width * hidden) + 4 * tokens * width
    return seconds, 3.0 * each * depth * cells * tokens


def bf16_peak(device: str) -> float:
    """Operations a second of a large product in bfloat16."""
    n = 8192 if device == "cuda" else 512
    a = torch.randn(n, n, device=device, dtype=torch.bfloat16)
    return 2 * n**3 / _seconds(lambda: a @ a, device)


def _seconds(call: Callable[[], Any], device: str) -> float:
    """Median wall seconds of a call."""
    taken = []
    for _ in range(FIRST + 7):
        began = time.perf_counter()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken[FIRST:]))


def main() -> int:
    """Run all, write gpu.tsv; the number of rows that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--steps", type=int, default=13)
    parser.add_argument("--sizes", nargs="*", default=["base", "paper"])
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        say("No GPU that PyTorch can use. Try the kit without one: --device cpu")
        return 1

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    kit = Kit(options.device, options.steps, options.minutes)
    with tempfile.TemporaryDirectory() as name:
        small = simulate(Path(name), GENES["tiny"], EXPRESSED["tiny"])
        runs = [Runs(small, backbone, options.device) for backbone in BACKBONES]
        for of_backbone in runs:
            kit.checks(of_backbone)
        if options.device == "cuda":
            kit.row("two processes on one GPU are refused", _refused)
        kit.table.write(options.out)
        peak = bf16_peak(options.device)
        kit.table.add_figure("product in bfloat16, 8192 x 8192", "TFLOP/s", peak / 1e12)
        data = {
            size: simulate(Path(name), GENES[size], EXPRESSED[size])
            for size in options.sizes
        }
        # last what takes long: compiling
        for compiled, size, backbone in product((False, True), data, BACKBONES):
            kit.speed(data[size], backbone, size, peak, compiled=compiled)
            kit.table.write(options.out)
        for of_backbone in runs:
            kit.check_compiled(of_backbone)
        kit.table.write(options.out)
    return kit.failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
