"""Geneformer backbone (Theodoris et al. 2023, doi 10.1038/s41586-023-06139-9): BERT over genes in the order of rank.

A cell is the list of its expressed genes, first the one that is highest for that gene (its value over the gene's
median); the position says the rank. A mask hides the gene itself, and the objective is to predict it (masked
LM of 15% of the genes, by the collator of transformers: `bert_masks`).
V1 has two special entries (padding, mask), 25,426 in all, and 2,048 positions; V2 adds the tokens <cls>, first, and
<eos>, last, has 20,275 entries and 4,096 positions. Sizes of the published models: docs/add-a-backbone.md.
Shapes: B cells, L gene tokens, T = C + L with C = 0 (V1) or 2 (V2: <cls>, <eos>), D width, M masked tokens, N genes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
import torch
from torch.nn import functional as F

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.methods import method
from grnformer.data.batch import Batch
from grnformer.data.tokeniser import Tokeniser, Tokens
from grnformer.data.tokens import highest_tokens, rank_values
from grnformer.model.backbones.base import Backbone
from grnformer.model.backbones.ragged import run_layers
from grnformer.model.published import Published, check_numbers, load_tensors
from grnformer.settings.key import Count, Settings, key

PAD, MASK, CLS, EOS = range(4)
KEPT, REPLACED = 0.1, 0.1  # fractions of BERT's masked tokens
TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}  # written by some versions of transformers, left out by others
POSITIONS = "bert.embeddings.position_ids"


@dataclass(frozen=True)
class GeneformerTokeniser(Tokeniser):
    """Rank-value encoding; `medians` of each gene's scaled counts above 0, by node number."""

    medians: tuple[float, ...]

    def values(self, expression: sp.csr_matrix) -> sp.csr_matrix:
        return rank_values(expression, np.array(self.medians))

    def tokenise(
        self, values: sp.csr_matrix, n_tokens: int, rng: np.random.Generator
    ) -> Tokens:
        return Tokens(*highest_tokens(values, n_tokens))

    def blocks(self, values: sp.csr_matrix, n_tokens: int) -> list[Tokens]:
        # A gene's place is its rank in the whole cell: ranks are not divided.
        return [Tokens(*highest_tokens(values, n_tokens))]

    def of_genes(self, genes: np.ndarray) -> GeneformerTokeniser:
        return replace(self, medians=tuple(np.array(self.medians)[genes].tolist()))


class Architecture(Settings):
    """Geneformer-style (Theodoris et al. 2023, doi 10.1038/s41586-023-06139-9)."""

    width: int = key(64, "of the embeddings; a multiple of n_heads", ge=4)
    n_layers: Count = key(2, "transformer layers")
    n_heads: Count = key(4, "attention heads")
    hidden: Count = key(128, "width of the feed-forward layers")
    dropout: float = key(0.0, "fraction dropped in training", ge=0, lt=1)
    positions: int = key(
        2048,
        "ranks: 2048 in V1, 4096 in V2; the most tokens a cell",
        unit="tokens",
        ge=4,
    )
    cell_tokens: bool = key(False, "<cls> and <eos> enclose the genes, as in V2")
    bert_masks: bool = key(
        False,
        "in training, a tenth of the masked tokens keep their gene and a tenth show another one, as in BERT",
    )


@method(
    "geneformer",
    settings=Architecture,
    vocabulary="resource:geneformer_tokens.pkl",
    aliases="resource:geneformer_symbols.pkl",
)
class Geneformer(Backbone):
    """Geneformer over N genes.

    Parameters
    ----------
    n_genes
        N.
    width, n_layers, n_heads, hidden, dropout
        Of BERT.
    positions
        Ranks that have an embedding: the most tokens, <cls> and <eos> among them (V1 2,048, V2 4,096).
    cell_tokens
        Whether <cls> and <eos> enclose the genes (V2); the cell embedding is then that of <cls>, else the genes' mean.
    bert_masks
        As in BERT, of the masked tokens a tenth keep their gene and a tenth show another one in training; else, and
        when scores are taken, all show <mask>. The graph and the value of a masked gene are hidden all the same.
    vocabulary_size
        Of a published checkpoint; None: the special entries, then the N genes.
    """

    objective: ClassVar[Literal["masked_value", "masked_gene"]] = "masked_gene"
    standardised = False
    body = ("model.bert",)
    stack = "model.bert.encoder.layer"

    def __init__(
        self,
        n_genes: int,
        width: int,
        n_layers: int,
        n_heads: int,
        hidden: int,
        dropout: float,
        positions: int,
        cell_tokens: bool,
        bert_masks: bool,
        vocabulary_size: int | None = None,
    ) -> None:
        from transformers import BertConfig, BertForMaskedLM

        first_gene = EOS + 1 if cell_tokens else MASK + 1
        super().__init__(n_genes, vocabulary_size, first_gene)
        self.width, self.positions, self.cell_tokens, self.bert_masks = (
            width,
            positions,
            cell_tokens,
            bert_masks,
        )
        self.n_cell_tokens = 2 * cell_tokens
        self.most_tokens = positions - self.n_cell_tokens

        # activation and padding as published: `read_published` refuses others
        settings: dict[str, Any] = {
            "vocab_size": vocabulary_size or first_gene + n_genes,
            "hidden_size": width,
            "num_hidden_layers": n_layers,
            "num_attention_heads": n_heads,
            "intermediate_size": hidden,
            "hidden_act": "relu",
            "hidden_dropout_prob": dropout,
            "attention_probs_dropout_prob": dropout,
            "max_position_embeddings": positions,
            "pad_token_id": PAD,
            "attn_implementation": "sdpa",
        }
        config = BertConfig(**settings)
        self.model = BertForMaskedLM(config)

    @staticmethod
    def tokeniser(**settings: Any) -> GeneformerTokeniser:
        return GeneformerTokeniser(tuple(settings["medians"]))

    @staticmethod
    def tokeniser_settings(
        architecture: dict[str, Any],
        expressed_fraction: float,
        medians: Callable[[], np.ndarray],
    ) -> dict[str, Any]:
        return {"medians": medians().tolist()}

    def gene_embedding(self) -> torch.Tensor:
        return self.model.bert.embeddings.word_embeddings(self.all_entries())

    def start_genes(self, embedding: np.ndarray) -> None:
        # the output is tied to these: candidates start from co-expression as well
        with torch.no_grad():
            self.model.bert.embeddings.word_embeddings.weight[self.all_entries()] += (
                torch.from_numpy(embedding)
            )

    def start_fractions(self, fractions: np.ndarray) -> None:
        with torch.no_grad():
            self.model.cls.predictions.bias[self.all_entries()] = torch.from_numpy(
                np.log(fractions)
            ).float()

    def encode(
        self, batch: Batch, drop_last: bool, place_BW: torch.Tensor | None = None
    ) -> torch.Tensor:
        present_BL = batch.present_BL
        if present_BL is None:
            present_BL = torch.ones_like(batch.masked_BL)

        if batch.gene_BL.shape[1] + self.n_cell_tokens > self.positions:
            raise InputError(
                f"{batch.gene_BL.shape[1]} genes a cell",
                f"at most the {self.positions} positions of the model"
                + ", less <cls> and <eos>" * self.cell_tokens,
                "lower n_tokens of pretrain.sizes and pretrain.embed",
            )

        # (B, L) until the cell's tokens are put before the genes
        entry_BT = self._shown(
            self.entries(batch.gene_BL), batch.masked_BL
        ).masked_fill(~present_BL, PAD)
        present_BT = present_BL
        # genes stand in the order of rank: a gene's place is its position
        position_BT = torch.arange(entry_BT.shape[1], device=entry_BT.device).expand_as(
            entry_BT
        )

        if self.cell_tokens:
            # <eos> has the position behind a cell's last gene, but stands second, so that genes keep their places
            entry_BT = F.pad(F.pad(entry_BT, (1, 0), value=EOS), (1, 0), value=CLS)
            present_BT = F.pad(present_BL, (2, 0), value=True)
            last_B = present_BL.sum(1) + 1
            position_BT = torch.cat(
                [torch.zeros_like(last_B)[:, None], last_B[:, None], position_BT + 1],
                dim=1,
            )

        h_BTD = self.model.bert.embeddings(input_ids=entry_BT, position_ids=position_BT)
        layers = self.model.bert.encoder.layer
        return run_layers(layers[: len(layers) - drop_last], h_BTD, present_BT)

    def _shown(self, entry_BL: torch.Tensor, masked_BL: torch.Tensor) -> torch.Tensor:
        """Entries with what the masked ones show in place of their gene."""
        if not (self.training and self.bert_masks):
            return entry_BL.masked_fill(masked_BL, MASK)
        # one uniform number a token: below KEPT its gene stays, below KEPT + REPLACED another one is shown, else <mask>
        drawn_BL = torch.rand(entry_BL.shape, device=entry_BL.device)
        other_BL = self.entries(
            torch.randint(self.n_genes, entry_BL.shape, device=entry_BL.device)
        )
        shown_BL = torch.where(drawn_BL < KEPT + REPLACED, other_BL, MASK)
        return torch.where(masked_BL & (drawn_BL >= KEPT), shown_BL, entry_BL)

    def gene_logits(self, h_MD: torch.Tensor) -> torch.Tensor:
        head = self.model.cls.predictions
        # (M, N): BERT's decoder would compute all entries of the vocabulary
        return F.linear(
            head.transform(h_MD), self.gene_embedding(), head.bias[self.all_entries()]
        )

    def cell_embedding(self, h_BTD: torch.Tensor, batch: Batch) -> torch.Tensor:
        if self.cell_tokens:
            return h_BTD[:, 0]
        if batch.present_BL is None:
            return h_BTD.mean(1)

        # over the genes that are there; 0 for a cell without any
        present_BL1 = batch.present_BL[:, :, None]
        return h_BTD.masked_fill(~present_BL1, 0.0).sum(1) / present_BL1.sum(1).clamp(
            min=1
        )

    def published_names(self) -> dict[str, str]:
        return {
            f"model.{name}": name
            for name in self.model.state_dict()
            if name not in TIED
        }

    @staticmethod
    def read_published(path: Path, architecture: dict[str, Any]) -> Published:
        """Read a folder with config.json and model.safetensors or pytorch_model.bin."""
        config = io.read_json(path / "config.json")
        try:
            found = {
                "width": config["hidden_size"],
                "n_layers": config["num_hidden_layers"],
                "n_heads": config["num_attention_heads"],
                "hidden": config["intermediate_size"],
                "dropout": config["hidden_dropout_prob"],
                "positions": config["max_position_embeddings"],
                "vocabulary_size": config["vocab_size"],
            }
            same = (config["model_type"], config["hidden_act"], config["pad_token_id"])
        except KeyError as error:
            raise _unlike(path, f"config.json has no {error}") from error
        check_numbers(path / "config.json", found, found)
        if same != ("bert", "relu", PAD):
            raise _unlike(path, f"model type, activation and padding {same}")

        safe = (path / "model.safetensors").exists()
        weights_in = "model.safetensors" if safe else "pytorch_model.bin"
        state = load_tensors(path / weights_in)
        # a copy that differs would be lost: our model has such a weight once
        for name, tied in TIED.items():
            if name in state and not torch.equal(
                state[name], state.get(tied, torch.empty(0))
            ):
                raise _unlike(path, f"{name} is not {tied}, to which it is tied")

        weights = {
            name: value
            for name, value in state.items()
            if name not in TIED and name != POSITIONS
        }
        unused = {name: state[name] for name in (POSITIONS,) if name in state}

        settings = {"config.json": config, "safe": safe, "order": list(state)}
        return Published(
            path, architecture | found, weights, unused=unused, settings=settings
        )

    @staticmethod
    def write_published(published: Published, path: Path) -> None:
        """Write the folder that `read_published` reads, with the weights and the format that were read."""
        from safetensors.torch import save_file

        weights = published.weights | published.unused
        weights |= {name: weights[tied] for name, tied in TIED.items()}
        state = {
            name: weights[name].clone().contiguous()
            for name in published.settings["order"]
        }

        path.mkdir(parents=True, exist_ok=True)
        io.write_json(published.settings["config.json"], path / "config.json")
        with io.atomic(
            path
            / (
                "model.safetensors"
                if published.settings["safe"]
                else "pytorch_model.bin"
            )
        ) as temporary:
            if published.settings["safe"]:
                save_file(state, temporary, metadata={"format": "pt"})
            else:
                torch.save(state, temporary)


def _unlike(path: Path, found: str) -> InputError:
    return InputError(
        f"{path}: {found}",
        "a BERT with ReLU and padding 0, as Geneformer is published",
        "give the folder of a published Geneformer",
    )
