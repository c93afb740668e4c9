"""scGPT backbone (Cui et al. 2024, doi 10.1038/s41592-024-02201-0).

Gene tokens plus value tokens, a cell token, transformer layers, masked value prediction from the gene's state (GEP)
and from the cell embedding (MVC).

What of scGPT's pretraining is here was read in its code (bowang-lab/scGPT, branch dev-temp @4068d67: model/model.py,
model/flash_layers.py, data_collator.py, examples/pretrain.py; the branch main has the layers no longer), not only in
the paper: known genes attend to known genes, masked ones to known genes and themselves; a masked one carries a flag,
and what it attends to is not projected; the cell token has the value -2 (in fine-tuning 0); GEP and MVC of the masked,
each with weight 1. That the published weights came from this very code is not said there; their args.json fits it.
Not here: after 1,000 steps scGPT adds the GEP of a second pass whose cell token is the cell embedding of the first; its
attention weights are dropped out; its losses are in bins, ours in each gene's SD; it takes only expressed genes
(here `expressed_fraction`) and masks .25, .5 or .75 of them (`mask_fraction`).
Shapes: B cells, L gene tokens, T = 1 + L with the cell token first, D width, N genes, V entries of the vocabulary.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn
from torch.nn import functional as F

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.methods import method
from grnformer.data.batch import Batch
from grnformer.data.tokeniser import Tokeniser, Tokens
from grnformer.data.tokens import bin_values, draw_tokens
from grnformer.model.backbones.base import Backbone, adopt
from grnformer.model.backbones.layer import Layer, at_places, layer_names
from grnformer.model.published import Published, check_numbers, load_tensors
from grnformer.settings.key import Count, Settings, key

FLASH = re.compile(r"self_attn\.(?:_impl\.)?Wqkv\.")
UNUSED = "cls_decoder."  # a head for cell types, of fine-tuning
MASK_VALUE = -1.0
PAD_VALUE = -2.0  # in pretraining also that of the cell token


@dataclass(frozen=True)
class ScGPTTokeniser(Tokeniser):
    """Value bins by rank within the cell, as fractions of `n_bins`; a sample of expressed and other genes."""

    n_bins: int
    expressed_fraction: float

    def values(self, expression: sp.csr_matrix) -> sp.csr_matrix:
        return bin_values(expression, self.n_bins)

    def tokenise(
        self, values: sp.csr_matrix, n_tokens: int, rng: np.random.Generator
    ) -> Tokens:
        return Tokens(*draw_tokens(values, n_tokens, self.expressed_fraction, rng))


class Architecture(Settings):
    """scGPT-style (Cui et al. 2024, doi 10.1038/s41592-024-02201-0)."""

    n_bins: int = key(51, "bins of the non-zero values of a cell", unit="bins", ge=2)
    width: int = key(64, "of the embeddings; a multiple of n_heads", ge=4)
    n_layers: Count = key(2, "transformer layers")
    n_heads: Count = key(4, "attention heads")
    hidden: Count = key(128, "width of the feed-forward layers")
    dropout: float = key(0.0, "fraction dropped in training", ge=0, lt=1)
    norm_first: bool = key(
        True, "normalise before attention and feed-forward; scGPT: after"
    )
    bilinear: bool = key(
        True,
        "products of gene and value in the tokens, of gene and state in the prediction; scGPT: no",
    )
    original: bool = key(
        False, "values by a perceptron, scGPT's decoder from the cell embedding"
    )
    masked_attention: bool = key(
        False, "a masked token is attended to only by itself, as in scGPT's pretraining"
    )


@method(
    "scgpt",
    settings=Architecture,
    vocabulary="resource:scgpt_vocabulary.json",
    aliases=None,
)
class ScGPT(Backbone):
    """scGPT over N genes.

    Parameters
    ----------
    n_genes, n_bins
        N; value bins besides 0 (scGPT: 50, and that of 0).
    width, n_layers, n_heads, hidden, dropout
        Of the transformer.
    norm_first
        Normalise before attention and feed-forward (learns within few steps) or after them (scGPT).
    bilinear
        Add to a token the product of its value with a projection of its gene, and to the prediction the product of the
        token's state with a projection of its gene. A mean over tokens then already depends on which genes are
        expressed, and few steps suffice. scGPT has only the sum of gene and value, and a perceptron.
    original
        Values by scGPT's perceptron of the bin's number, and its MVC decoder; predictions are bins' numbers. Else
        values have one vector a bin, and predictions are standardised.
    masked_attention
        As in scGPT's pretraining: a masked token carries a flag in place of a value, and is attended to only by
        itself; with `original` also its unprojected attention, and the value of the cell token. Else it carries the
        value -1 (scGPT's fine-tuning) or that of a bin for masked tokens, and all attend to all.
    vocabulary_size, cls
        Of a published checkpoint: entries V, and that of the cell token; None: the N genes, then the cell token.
    """

    body = ("gene", "gene_norm", "value", "slope", "layers", "out_norm", "flag")
    stack = "layers"
    n_cell_tokens = 1

    def __init__(
        self,
        n_genes: int,
        n_bins: int,
        width: int,
        n_layers: int,
        n_heads: int,
        hidden: int,
        dropout: float,
        norm_first: bool,
        bilinear: bool,
        original: bool,
        masked_attention: bool,
        vocabulary_size: int | None = None,
        cls: int | None = None,
    ) -> None:
        super().__init__(n_genes, vocabulary_size, first_gene=0)
        self.width, self.n_bins, self.mask_bin = width, n_bins, n_bins + 1
        self.original, self.standardised, self.dropout = original, not original, dropout
        self.cls = n_genes if cls is None else cls

        self.gene = nn.Embedding(
            n_genes + 1 if vocabulary_size is None else vocabulary_size, width
        )
        self.gene_norm = nn.LayerNorm(width)

        # a vector for each of the bins 0 to n_bins, and for masked tokens
        self.value: nn.Module = (
            nn.Sequential(
                nn.Linear(1, width),
                nn.ReLU(),
                nn.Linear(width, width),
                nn.LayerNorm(width),
            )
            if original
            else nn.Embedding(n_bins + 2, width)
        )
        self.slope = nn.Linear(width, width, bias=False) if bilinear else None

        self.layers = nn.ModuleList(
            Layer(width, n_heads, hidden, dropout, norm_first) for _ in range(n_layers)
        )
        # normalised before each part, the last sum is not normalised yet
        self.out_norm = nn.LayerNorm(width) if norm_first else nn.Identity()
        self.decoder = nn.Sequential(
            nn.Linear(width, width),
            nn.LeakyReLU(),
            nn.Linear(width, width),
            nn.LeakyReLU(),
            nn.Linear(width, 1),
        )

        self.cell_query = nn.Linear(width, width)
        self.gene_query = nn.Linear(width, width) if bilinear else None
        if self.gene_query is not None:
            # the first prediction is the gene's mean, not noise
            nn.init.zeros_(self.gene_query.weight)

        # small, for it is normalised: steps then turn it at once
        nn.init.normal_(self.gene.weight, std=0.01)
        self.cell_weight = nn.Linear(width, width, bias=False) if original else None
        self.flag = nn.Embedding(2, width) if masked_attention else None

    @staticmethod
    def tokeniser(**settings: Any) -> ScGPTTokeniser:
        return ScGPTTokeniser(**settings)

    @staticmethod
    def tokeniser_settings(
        architecture: dict[str, Any],
        expressed_fraction: float,
        medians: Callable[[], np.ndarray],
    ) -> dict[str, Any]:
        return {
            "n_bins": architecture["n_bins"],
            "expressed_fraction": expressed_fraction,
        }

    def gene_embedding(self) -> torch.Tensor:
        return self.gene_norm(self.gene(self.all_entries()))

    def start_genes(self, embedding: np.ndarray) -> None:
        with torch.no_grad():
            self.gene.weight[self.all_entries()] += torch.from_numpy(embedding)

    def read_tokens(self, batch: Batch) -> torch.Tensor:
        return F.pad(batch.masked_BL, (1, 0), value=True)

    def encode(
        self, batch: Batch, drop_last: bool, place_BW: torch.Tensor | None = None
    ) -> torch.Tensor:
        value_BL, masked_BL = batch.value_BL, batch.masked_BL
        gene_BTD = self._gene(
            F.pad(self.entries(batch.gene_BL), (1, 0), value=self.cls)
        )
        h_BTD = gene_BTD + self._value(value_BL, masked_BL)

        if self.slope is not None:
            # 0 for masked tokens and the cell: their product says nothing
            seen_BT = F.pad(value_BL.masked_fill(masked_BL, 0.0), (1, 0))
            h_BTD = h_BTD + seen_BT[:, :, None] * self.slope(gene_BTD)

        allowed = bare_BT = None
        if self.flag is not None:
            known_BT = F.pad(~masked_BL, (1, 0), value=True)
            bare_BT = ~known_BT if self.original else None
            # a masked token is attended to only by itself: no other state depends on it
            allowed = known_BT[:, None, None] | torch.eye(
                known_BT.shape[1], dtype=torch.bool, device=known_BT.device
            )
        if batch.present_BL is not None:
            there = F.pad(batch.present_BL, (1, 0), value=True)[:, None, None]
            allowed = there if allowed is None else allowed & there

        layers = self.layers[: len(self.layers) - drop_last]
        for layer in layers[:-1]:
            h_BTD = layer(h_BTD, allowed, bare_BT)
        # states of the last layer are read by the loss, or by an adapter whose keys are not they
        for layer in layers[-1:]:
            h_BTD = layer(h_BTD, allowed, bare_BT, place_BW)
        return self.out_norm(h_BTD if len(layers) else at_places(h_BTD, place_BW))

    def reconstruct(
        self, h_BTD: torch.Tensor, batch: Batch, wanted_BL: torch.Tensor | None = None
    ) -> torch.Tensor:
        # (B, L, D) and (B, L), or (M, D) and (M,)
        h, gene = h_BTD[:, 1:], batch.gene_BL
        if wanted_BL is not None:
            h, gene = h[wanted_BL], gene[wanted_BL]

        predicted = self.decoder(h).squeeze(-1)
        if self.gene_query is not None:
            query = self.gene_query(self._gene(self.entries(gene)))
            predicted = predicted + (query * h).sum(-1) / math.sqrt(self.width)

        # scGPT predicts numbers of bins, tokens have fractions of n_bins
        return predicted / self.n_bins if self.original else predicted

    def reconstruct_from_cell(
        self, cell_BE: torch.Tensor, batch: Batch, wanted_BL: torch.Tensor | None = None
    ) -> torch.Tensor:
        # a cell's embedding beside each of its genes
        gene, cell = (
            batch.gene_BL,
            cell_BE[:, None].expand(-1, batch.gene_BL.shape[1], -1),
        )
        if wanted_BL is not None:
            gene, cell = gene[wanted_BL], cell[wanted_BL]

        # one query a gene: the value is its product with the cell embedding
        query = self.cell_query(self._gene(self.entries(gene)))
        if self.cell_weight is not None:
            weight = self.cell_weight(torch.sigmoid(query))
            return (weight * cell).sum(-1) / self.n_bins
        return (torch.tanh(query) * cell).sum(-1) / math.sqrt(self.width)

    def cell_embedding(self, h_BTD: torch.Tensor, batch: Batch) -> torch.Tensor:
        return h_BTD[:, 0]

    def _gene(self, entry: torch.Tensor) -> torch.Tensor:
        return self.gene_norm(self.gene(entry))

    def _value(self, value_BL: torch.Tensor, masked_BL: torch.Tensor) -> torch.Tensor:
        """Value part of the tokens, (B, T, D)."""
        of_cell = PAD_VALUE if self.original and self.flag is not None else 0.0
        # fractions back to numbers of bins; rounding takes the float error away
        bin_BT = F.pad((value_BL * self.n_bins).round(), (1, 0), value=of_cell)
        masked_BT = F.pad(masked_BL, (1, 0))
        if self.original:
            value_BTD = self.value(
                bin_BT.masked_fill(masked_BT, MASK_VALUE)[:, :, None]
            )
            value_BTD = F.dropout(value_BTD, self.dropout, self.training)
        else:
            value_BTD = self.value(bin_BT.long().masked_fill(masked_BT, self.mask_bin))

        return (
            value_BTD
            if self.flag is None
            else torch.where(masked_BT[:, :, None], self.flag.weight[1], value_BTD)
        )

    def published_names(self) -> dict[str, str]:
        names = {
            "gene.weight": "encoder.embedding.weight",
            "cell_weight.weight": "mvc_decoder.W.weight",
        }
        adopt(names, "gene_norm", "encoder.enc_norm", self.gene_norm)
        for ours, theirs in {"0": "linear1", "2": "linear2", "3": "norm"}.items():
            names |= {
                f"value.{ours}.{kind}": f"value_encoder.{theirs}.{kind}"
                for kind in ("weight", "bias")
            }

        for number, layer in enumerate(self.layers):
            names |= layer_names(
                layer, f"layers.{number}", f"transformer_encoder.layers.{number}"
            )
        adopt(names, "decoder", "decoder.fc", self.decoder)
        adopt(names, "cell_query", "mvc_decoder.gene2query", self.cell_query)
        if self.flag is not None:
            names["flag.weight"] = "flag_encoder.weight"
        return names

    @staticmethod
    def read_published(path: Path, architecture: dict[str, Any]) -> Published:
        """Read a folder with vocab.json, args.json and best_model.pt, in flash-attention's or PyTorch's naming.

        The published models hold a flag (`masked_attention`) that their fine-tuned offspring may lack.
        """
        arguments = io.read_json(path / "args.json")
        wanted = ("embsize", "nlayers", "nheads", "d_hid", "dropout", "n_bins")
        missing = [key for key in wanted if key not in arguments]
        vocabulary = io.read_json(path / "vocab.json", "vocabulary")
        if missing or "<cls>" not in vocabulary:
            raise InputError(
                f"{path}: args.json has no {missing}"
                if missing
                else f"{path}: vocab.json has no <cls>",
                f"args.json with {', '.join(wanted)}, and vocab.json with the cell token <cls>",
                "give the folder of a published scGPT model",
            )

        check_numbers(path / "args.json", arguments, wanted)
        # flash attention names the joint projection otherwise, all else alike
        state = load_tensors(path / "best_model.pt")
        flash = any(FLASH.search(name) for name in state)
        weights = {
            FLASH.sub("self_attn.in_proj_", name): value
            for name, value in state.items()
        }

        # without masked attention the flag has no use, and is kept to be written
        flag = "flag_encoder.weight"
        unused = {
            name: value for name, value in weights.items() if name.startswith(UNUSED)
        }
        if not architecture["masked_attention"] and flag in weights:
            unused[flag] = weights[flag]

        found = {
            # scGPT counts the bin of 0 too
            "n_bins": arguments["n_bins"] - 1,
            "width": arguments["embsize"],
            "n_layers": arguments["nlayers"],
            "n_heads": arguments["nheads"],
            "hidden": arguments["d_hid"],
            "dropout": arguments["dropout"],
            "norm_first": False,
            "bilinear": False,
            "original": True,
            "vocabulary_size": len(vocabulary),
            "cls": vocabulary["<cls>"],
        }
        used = {name: value for name, value in weights.items() if name not in unused}
        settings = {"args.json": arguments, "flash": flash, "order": list(weights)}
        return Published(path, architecture | found, used, vocabulary, unused, settings)

    @staticmethod
    def write_published(published: Published, path: Path) -> None:
        """Write the folder that `read_published` reads, in the naming that was read."""
        weights = published.weights | published.unused
        state = {name: weights[name] for name in published.settings["order"]}
        if published.settings["flash"]:
            state = {
                name.replace("self_attn.in_proj_", "self_attn.Wqkv."): value
                for name, value in state.items()
            }

        path.mkdir(parents=True, exist_ok=True)
        io.write_json(published.settings["args.json"], path / "args.json")
        io.write_json(published.vocabulary or {}, path / "vocab.json", "vocabulary")
        with io.atomic(path / "best_model.pt") as temporary:
            torch.save(state, temporary)
