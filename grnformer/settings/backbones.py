"""Architectures of the backbones; the defaults are those of the size tiny."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grnformer.settings.key import Count, Settings, key

Dropout = Annotated[float, Field(ge=0, lt=1)]
BACKBONES = ("scgpt", "geneformer", "scfoundation")


class ScGPT(Settings):
    """scGPT-style (Cui et al. 2024, doi 10.1038/s41592-024-02201-0)."""

    n_bins: int = key(51, "bins of the non-zero values of a cell", unit="bins", ge=2)
    width: int = key(64, "of the embeddings; a multiple of n_heads", ge=4)
    n_layers: Count = key(2, "transformer layers")
    n_heads: Count = key(4, "attention heads")
    hidden: Count = key(128, "width of the feed-forward layers")
    dropout: Dropout = key(0.0, "fraction dropped in training")
    norm_first: bool = key(True, "normalise before attention and feed-forward; scGPT: after")
    bilinear: bool = key(
        True, "products of gene and value in the tokens, of gene and state in the prediction; scGPT: no"
    )
    original: bool = key(False, "values by a perceptron, scGPT's decoder from the cell embedding")
    masked_attention: bool = key(False, "a masked token is attended to only by itself, as in scGPT's pretraining")


class Geneformer(Settings):
    """Geneformer-style (Theodoris et al. 2023, doi 10.1038/s41586-023-06139-9)."""

    width: int = key(64, "of the embeddings; a multiple of n_heads", ge=4)
    n_layers: Count = key(2, "transformer layers")
    n_heads: Count = key(4, "attention heads")
    hidden: Count = key(128, "width of the feed-forward layers")
    dropout: Dropout = key(0.0, "fraction dropped in training")
    positions: int = key(2048, "ranks: 2048 in V1, 4096 in V2; the most tokens a cell", unit="tokens", ge=4)
    cell_tokens: bool = key(False, "<cls> and <eos> enclose the genes, as in V2")
    bert_masks: bool = key(
        False, "in training, a tenth of the masked tokens keep their gene and a tenth show another one, as in BERT"
    )


class ScFoundation(Settings):
    """scFoundation-style (Hao et al. 2024, doi 10.1038/s41592-024-02305-7)."""

    n_bins: int = key(20, "learnt bins of values", unit="bins", ge=2)
    bin_alpha: float = key(1.0, "weight of the first scores of the bins beside the second ones", ge=0)
    width: int = key(64, "of the encoder; a multiple of n_heads", ge=4)
    n_layers: Count = key(2, "layers of the encoder")
    n_heads: Count = key(4, "attention heads of the encoder")
    dropout: Dropout = key(0.0, "fraction dropped in training, in the encoder")
    decoder_width: int = key(64, "of the decoder's states", ge=4)
    decoder_layers: Count = key(1, "layers of the decoder")
    decoder_heads: Count = key(1, "attention heads of the decoder, each 64 wide")
    original: bool = key(
        False,
        "predictions are values and gene vectors start wide, as in scFoundation; else predictions are standardised and "
        "begin at the gene's mean",
    )
    part: Literal["cell", "gene", "rde"] = key("cell", "which model of a published checkpoint")


class Architectures(Settings):
    """Architecture of each backbone."""

    scgpt: ScGPT = ScGPT()
    geneformer: Geneformer = Geneformer()
    scfoundation: ScFoundation = ScFoundation()
