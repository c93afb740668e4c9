"""scGPT's and scFoundation's own modules, from checkouts, at the sizes of ours and with the same weights.

For `bench_train.py`. Each gives the loss of a batch as ours does; dropout is off in both.
"""

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from grnformer.data.batch import Batch
from grnformer.model.backbones import BACKBONES

# values that stand for a masked gene and for padding, in scFoundation's published settings
MASK, PAD = 102, 103


class ScGPT(nn.Module):
    """scGPT's TransformerModel (PyTorch's layers, without flash-attn)."""

    def __init__(
        self, folder: Path, n_genes: int, architecture: dict[str, Any]
    ) -> None:
        super().__init__()
        # its __init__ would import all that scGPT needs
        package = types.ModuleType("scgpt_model")
        package.__path__ = [str(part_of(folder, "scgpt/model"))]
        sys.modules["scgpt_model"] = package
        module = importlib.import_module("scgpt_model.model")
        self.n_genes, self.n_bins = n_genes, architecture["n_bins"]
        self.model = module.TransformerModel(
            n_genes + 2,
            *(architecture[key] for key in ("width", "n_heads", "hidden", "n_layers")),
            vocab={"<cls>": n_genes, "<pad>": n_genes + 1},
            dropout=0.0,
            do_mvc=True,
        )

    def ours(self, architecture: dict[str, Any]) -> Any:
        """Our model with these weights."""
        n_genes = self.n_genes
        made: Any = BACKBONES["scgpt"](
            n_genes=n_genes, vocabulary_size=n_genes + 2, cls=n_genes, **architecture
        )
        made.rows_N = torch.arange(n_genes)
        return with_weights(made, self.model)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Loss from the genes' states and from the cell embedding."""
        gene_BT = F.pad(batch.gene_BL, (1, 0), value=self.n_genes)
        bin_BL = (batch.value_BL * self.n_bins).round()
        bin_BT = F.pad(bin_BL.masked_fill(batch.masked_BL, -1.0), (1, 0))
        absent_BT = torch.zeros_like(gene_BT, dtype=torch.bool)
        told = self.model(gene_BT, bin_BT, absent_BT, MVC=True)
        masked, true = batch.masked_BL, batch.value_BL[batch.masked_BL]
        parts = [
            told[name][:, 1:][masked] / self.n_bins
            for name in ("mlm_output", "mvc_output")
        ]
        return F.mse_loss(parts[0], true) + F.mse_loss(parts[1], true)


class ScFoundation(nn.Module):
    """scFoundation's MaeAutobin; its Performer imports einops and local-attention."""

    def __init__(
        self, folder: Path, n_genes: int, architecture: dict[str, Any]
    ) -> None:
        super().__init__()
        part_of(folder, "model/pretrainmodels")
        sys.path.insert(0, str(folder / "model"))
        # puts the tokens that the encoder sees first
        self.gather = importlib.import_module("load").gatherData
        self.n_genes = n_genes
        parts = {
            "encoder": {
                "module_type": "transformer",
                "hidden_dim": architecture["width"],
                "depth": architecture["n_layers"],
                "heads": architecture["n_heads"],
            },
            "decoder": {
                "module_type": "performer",
                "hidden_dim": architecture["decoder_width"],
                "depth": architecture["decoder_layers"],
                "heads": architecture["decoder_heads"],
                "dim_head": 64,
            },
        }
        self.model = importlib.import_module("pretrainmodels").select_model(
            parts
            | {
                "model": "mae_autobin",
                "n_class": architecture["n_bins"],
                "bin_num": architecture["n_bins"],
                "bin_alpha": architecture["bin_alpha"],
                "seq_len": n_genes + 2,
                "pad_token_id": PAD,
                "mask_token_id": MASK,
            }
        )
        for module in self.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            if isinstance(module, nn.MultiheadAttention):
                module.dropout = 0.0

    def ours(self, architecture: dict[str, Any]) -> Any:
        """Our model with these weights."""
        made = BACKBONES["scfoundation"](n_genes=self.n_genes, **architecture)
        return with_weights(made, self.model)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Loss of the masked values."""
        gene_BT = F.pad(batch.gene_BL, (2, 0), value=self.n_genes)
        gene_BT[:, 1] = self.n_genes + 1
        depth_B1 = batch.depth_B[:, None]  # type: ignore[index]
        value_BT = torch.cat([depth_B1, depth_B1, batch.value_BL], dim=1)
        masked_BT = F.pad(batch.masked_BL, (2, 0))
        seen_BT = (value_BT > 0) & ~masked_BT

        value_BS, absent_BS = self.gather(value_BT, seen_BT, PAD)
        gene_BS, _ = self.gather(gene_BT, seen_BT, PAD)
        gene_BS[absent_BS] = self.n_genes + 2
        told_BT = self.model(
            x=value_BS,
            padding_label=absent_BS,
            encoder_position_gene_ids=gene_BS,
            encoder_labels=seen_BT,
            decoder_data=value_BT.masked_fill(masked_BT, MASK),
            mask_gene_name=False,
            mask_labels=None,
            decoder_position_gene_ids=gene_BT,
            decoder_data_padding_labels=torch.zeros_like(seen_BT),
        )
        return F.mse_loss(told_BT[masked_BT], value_BT[masked_BT])


def part_of(folder: Path, part: str) -> Path:
    """The part of a checkout; ends the benchmark where it is not there."""
    if not (folder / part).is_dir():
        sys.exit(
            f"{folder} has no folder {part}. Expected: a checkout of the original. Name the folder that git clone made."
        )
    return folder / part


def with_weights(ours: Any, theirs: nn.Module) -> Any:
    """Our model with the weights of the original."""
    state, names = theirs.state_dict(), ours.published_names()
    found = ours.load_state_dict(
        {name: state[other] for name, other in names.items()}, strict=False
    )
    if found.unexpected_keys or set(found.missing_keys) - {"rows_N"}:
        raise RuntimeError(f"weights differ: {found}")
    return ours
