"""scFoundation backbone (Hao et al. 2024, doi 10.1038/s41592-024-02305-7).

Values are discretised by a learnt soft choice among bins; a transformer encoder sees the genes that are expressed and
not masked, and two tokens of the cell (log10 of the counts to predict, and of those seen); a Performer decoder over
all tokens predicts the masked values.
Shapes: B cells, L gene tokens, T = 2 + L with the two tokens of the cell first (target depth, depth), S tokens that
the encoder sees, D width of the encoder, Z bins, N genes, V entries of the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

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
from grnformer.data.tokens import cell_depth, draw_tokens
from grnformer.model.backbones.base import Backbone, adopt
from grnformer.model.backbones.layer import Layer, layer_names, places_of
from grnformer.model.backbones.performer import PerformerLayer
from grnformer.model.backbones.ragged import run_layers
from grnformer.model.published import Published, load_tensors
from grnformer.settings.key import Count, Settings, key

# of the feed-forward layers, times the width; of the leaky ReLU
ENCODER_FEED, SLOPE = 4, 0.1
REDRAW = "decoder.performer.calls_since_last_redraw"  # a counter of training
KIND = "mae_autobin"
# SD of gene vectors at the start; scale of what `start_genes` adds to them
GENE_WIDTH, START = 0.1, 25.0


@dataclass(frozen=True)
class ScFoundationTokeniser(Tokeniser):
    """Values as they are: log1p of counts per 10,000; a sample of expressed and other genes; log10 of the counts."""

    expressed_fraction: float

    def values(self, expression: sp.csr_matrix) -> sp.csr_matrix:
        values = sp.csr_matrix(expression, dtype=np.float32, copy=True)
        values.eliminate_zeros()
        return values

    def tokenise(
        self, values: sp.csr_matrix, n_tokens: int, rng: np.random.Generator
    ) -> Tokens:
        gene_BL, value_BL = draw_tokens(values, n_tokens, self.expressed_fraction, rng)
        return Tokens(
            gene_BL, value_BL, depth_B=np.log10(cell_depth(values)).astype(np.float32)
        )

    def blocks(self, values: sp.csr_matrix, n_tokens: int) -> list[Tokens]:
        # The depth is the cell's, not the block's.
        depth_B = np.log10(cell_depth(values)).astype(np.float32)
        made = super().blocks(values, n_tokens)
        return [replace(tokens, depth_B=depth_B) for tokens in made]


class ValueBins(nn.Module):
    """A value's vector: the mean of the bins' vectors, weighed by a learnt soft choice; (..., ) -> (..., D)."""

    def __init__(self, n_bins: int, width: int, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.first, self.second = nn.Linear(1, n_bins), nn.Linear(n_bins, n_bins)
        self.bins, self.mask, self.pad = (
            nn.Embedding(n_bins, width),
            nn.Embedding(1, width),
            nn.Embedding(1, width),
        )
        # of the published format; padding has no part in any state
        self.pad.requires_grad_(False)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        score = F.leaky_relu(self.first(value[..., None]), SLOPE)
        return (
            torch.softmax(self.alpha * score + self.second(score), dim=-1)
            @ self.bins.weight
        )


class Architecture(Settings):
    """scFoundation-style (Hao et al. 2024, doi 10.1038/s41592-024-02305-7)."""

    n_bins: int = key(20, "learnt bins of values", unit="bins", ge=2)
    bin_alpha: float = key(
        1.0, "weight of the first scores of the bins beside the second ones", ge=0
    )
    width: int = key(64, "of the encoder; a multiple of n_heads", ge=4)
    n_layers: Count = key(2, "layers of the encoder")
    n_heads: Count = key(4, "attention heads of the encoder")
    dropout: float = key(
        0.0, "fraction dropped in training, in the encoder", ge=0, lt=1
    )
    decoder_width: int = key(64, "of the decoder's states", ge=4)
    decoder_layers: Count = key(1, "layers of the decoder")
    decoder_heads: Count = key(1, "attention heads of the decoder, each 64 wide")
    original: bool = key(
        False,
        "predictions are values and gene vectors start wide, as in scFoundation; else predictions are standardised and "
        "begin at the gene's mean",
    )
    part: Literal["cell", "gene", "rde"] = key(
        "cell", "which model of a published checkpoint"
    )


@method(
    "scfoundation",
    settings=Architecture,
    vocabulary="resource:scfoundation_genes.tsv",
    aliases=None,
)
class ScFoundation(Backbone):
    """scFoundation over N genes.

    Parameters
    ----------
    n_genes
        N.
    n_bins, bin_alpha
        Z; weight of the first scores beside the second ones.
    width, n_layers, n_heads, dropout
        Of the encoder.
    decoder_width, decoder_layers, decoder_heads
        Of the Performer, whose heads have a width of 64.
    original
        Predictions are values, and gene vectors start as wide as those of bins (scFoundation). Else predictions are
        standardised and begin at the gene's mean, and gene vectors start small, so that few steps suffice.
    part
        Which model of a published file: `cell`, `gene` or `rde` (depth enhancement).
    vocabulary_size
        V of a published checkpoint; None: the N genes.
    """

    body = ("value", "position", "layers", "norm")
    stack = "layers"
    n_cell_tokens = 2
    decoder_stack = "decoder"

    def __init__(
        self,
        n_genes: int,
        n_bins: int,
        bin_alpha: float,
        width: int,
        n_layers: int,
        n_heads: int,
        dropout: float,
        decoder_width: int,
        decoder_layers: int,
        decoder_heads: int,
        original: bool,
        part: str,
        vocabulary_size: int | None = None,
    ) -> None:
        super().__init__(n_genes, vocabulary_size, first_gene=0)
        self.width, self.n_entries, self.part = width, vocabulary_size or n_genes, part
        self.value = ValueBins(n_bins, width, bin_alpha)

        # genes, target depth, depth, padding
        self.position = nn.Embedding(self.n_entries + 3, width)
        self.layers = nn.ModuleList(
            Layer(width, n_heads, ENCODER_FEED * width, dropout, norm_first=False)
            for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(width)

        self.to_decoder = nn.Linear(width, decoder_width)
        self.decoder = nn.ModuleList(
            PerformerLayer(decoder_width, decoder_heads, dropout=0.0)
            for _ in range(decoder_layers)
        )
        self.decoder_norm, self.out_norm = (
            nn.LayerNorm(decoder_width),
            nn.LayerNorm(decoder_width),
        )
        self.out = nn.Linear(decoder_width, 1)

        self.standardised = not original
        if not original:
            nn.init.normal_(self.position.weight, std=GENE_WIDTH)
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)

    @staticmethod
    def tokeniser(**settings: Any) -> ScFoundationTokeniser:
        return ScFoundationTokeniser(**settings)

    def gene_embedding(self) -> torch.Tensor:
        return self.position(self.all_entries())

    def start_genes(self, embedding: np.ndarray) -> None:
        with torch.no_grad():
            self.position.weight[self.all_entries()] += START * torch.from_numpy(
                embedding
            )

    def encode(
        self, batch: Batch, drop_last: bool, place_BW: torch.Tensor | None = None
    ) -> torch.Tensor:
        seen_BT, position_BTD = self._seen(batch), self._position(batch)
        value_BT = self._with_cell(batch.value_BL, batch)

        # a vector of its own replaces that of the value, which is then not read
        masked_BT = F.pad(batch.masked_BL, (2, 0))
        x_BTD = self.value(value_BT.masked_fill(masked_BT, 0.0))
        x_BTD = (
            torch.where(masked_BT[:, :, None], self.value.mask.weight[0], x_BTD)
            + position_BTD
        )

        # the encoder runs on the seen tokens only: they are put first, then padding up to the longest cell
        order_BT = torch.argsort(seen_BT.int(), dim=1, descending=True, stable=True)
        order_BS = order_BT[:, : int(seen_BT.sum(1).max())]
        allowed_BS = torch.gather(seen_BT, 1, order_BS)
        index_BSD = order_BS[:, :, None].expand(-1, -1, self.width)
        h_BSD = torch.gather(x_BTD, 1, index_BSD)
        h_BSD = run_layers(
            self.layers[: len(self.layers) - drop_last], h_BSD, allowed_BS
        )

        # back to their places; tokens that were not seen keep their embedding, which the decoder reads
        h_BTD = x_BTD.scatter(1, index_BSD, self.norm(h_BSD).to(x_BTD.dtype))
        return torch.where(seen_BT[:, :, None], h_BTD, x_BTD)

    def reconstruct(
        self, h_BTD: torch.Tensor, batch: Batch, wanted_BL: torch.Tensor | None = None
    ) -> torch.Tensor:
        # what the encoder did not see has its position already
        seen_BT = self._seen(batch)
        h_BTD = self.to_decoder(
            torch.where(seen_BT[:, :, None], h_BTD + self._position(batch), h_BTD)
        )

        # over all tokens, masked and silent ones too: the cost is linear
        *layers, last = self.decoder
        for layer in layers:
            h_BTD = layer(h_BTD)
        if wanted_BL is None:
            h = last(h_BTD)[:, 2:]
        else:
            wanted_BT = F.pad(wanted_BL, (2, 0))
            place_BW = places_of(wanted_BT)
            h = last(h_BTD, place_BW)[wanted_BT.gather(1, place_BW)]
        return self.out(self.out_norm(self.decoder_norm(h))).squeeze(-1)

    def cell_embedding(self, h_BTD: torch.Tensor, batch: Batch) -> torch.Tensor:
        """States of depth and target depth, largest and mean state of the genes seen: (B, 4 D)."""
        seen_BL1 = self._seen(batch)[:, 2:, None]
        genes_BLD = h_BTD[:, 2:]
        count_B1 = seen_BL1.sum(1).clamp(min=1)

        # below any state, so that only genes seen count; 0 where there are none
        largest_BD = genes_BLD.masked_fill(~seen_BL1, -torch.inf).amax(1)
        largest_BD = torch.where(seen_BL1.any(1), largest_BD, 0.0)
        mean_BD = genes_BLD.masked_fill(~seen_BL1, 0.0).sum(1) / count_B1
        return torch.cat([h_BTD[:, 1], h_BTD[:, 0], largest_BD, mean_BD], dim=1)

    def _seen(self, batch: Batch) -> torch.Tensor:
        return F.pad((batch.value_BL > 0) & ~batch.masked_BL, (2, 0), value=True)

    def _position(self, batch: Batch) -> torch.Tensor:
        entry_BT = F.pad(self.entries(batch.gene_BL), (2, 0), value=self.n_entries)
        # behind the genes: target depth, then depth
        entry_BT[:, 1] = self.n_entries + 1
        return self.position(entry_BT)

    @staticmethod
    def _with_cell(value_BL: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Values with those of the cell's two tokens first: the target depth is that of the cell."""
        if batch.depth_B is None:
            raise ValueError("scFoundation needs the cells' depth")
        return torch.cat(
            [batch.depth_B[:, None], batch.depth_B[:, None], value_BL], dim=1
        )

    def published_names(self) -> dict[str, str]:
        names = {"position.weight": "pos_emb.weight"}
        parts = {
            "first": "mlp",
            "second": "mlp2",
            "bins": "emb",
            "mask": "emb_mask",
            "pad": "emb_pad",
        }
        for ours, theirs in parts.items():
            adopt(
                names, f"value.{ours}", f"token_emb.{theirs}", getattr(self.value, ours)
            )

        for number, layer in enumerate(self.layers):
            names |= layer_names(
                layer, f"layers.{number}", f"encoder.transformer_encoder.{number}"
            )
        for number in range(len(self.decoder)):
            theirs = f"decoder.performer.net.layers.{number}"
            names |= PerformerLayer.published_names(f"decoder.{number}", theirs)

        parts = {
            "norm": "encoder.norm",
            "to_decoder": "decoder_embed",
            "decoder_norm": "decoder.norm",
        }
        for ours, theirs in (parts | {"out_norm": "norm", "out": "to_final"}).items():
            adopt(names, ours, theirs, getattr(self, ours))
        return names

    @staticmethod
    def read_published(path: Path, architecture: dict[str, Any]) -> Published:
        """Read one model (`part`) of a file like models.ckpt."""
        whole, part = load_tensors(path), architecture["part"]
        try:
            model = whole[part]
            config, state = model["config"]["model_config"][KIND], model["state_dict"]
            config = {**config, **model["config"]["dataset_config"]["rnaseq"]}
            encoder, decoder = config["encoder"], config["decoder"]
            found = {
                "n_bins": config["bin_num"],
                "bin_alpha": config["bin_alpha"],
                "width": encoder["hidden_dim"],
                "n_layers": encoder["depth"],
                "n_heads": encoder["heads"],
                "decoder_width": decoder["hidden_dim"],
                "decoder_layers": decoder["depth"],
                "decoder_heads": decoder["heads"],
                "original": True,
                # a sequence counts the two tokens of the cell
                "vocabulary_size": config["seq_len"] - 2,
            }
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{path}: no {error} in the model {part!r}; the file has {sorted(whole) if whole else whole}",
                f"models by name, each with config (model_config.{KIND}, dataset_config.rnaseq) and state_dict",
                "give the published models.ckpt, and the name of a model as part",
            ) from error

        # names may begin with "model.", which comes back when they are written
        weights = {name.split("model.", 1)[-1]: value for name, value in state.items()}
        unused = {name: weights.pop(name) for name in (REDRAW,) if name in weights}
        settings = {
            "whole": whole,
            "prefix": len(state) and next(iter(state)).startswith("model."),
        }
        return Published(
            path, architecture | found, weights, unused=unused, settings=settings
        )

    @staticmethod
    def write_published(published: Published, path: Path) -> None:
        """Write the file that was read, with the weights of `part` replaced."""
        whole, part = published.settings["whole"], published.architecture["part"]
        weights, prefix = (
            published.weights | published.unused,
            "model." if published.settings["prefix"] else "",
        )

        state = {
            name: weights[name.removeprefix(prefix)]
            for name in whole[part]["state_dict"]
        }
        with io.atomic(path) as temporary:
            torch.save({**whole, part: {**whole[part], "state_dict": state}}, temporary)
