"""Expression profiles after perturbations."""

from __future__ import annotations

from typing import Literal

from grnformer.settings.key import File, Seed, Settings, Word, key
from grnformer.settings.perturbation import InSilico


class PerturbedCells(Settings):
    """Cells of a perturbation screen with what was perturbed in each."""

    cells: File = key(
        ...,
        "matrix of cells, in any form that samples may have; a path or resource:<name>",
    )
    form: Literal["gears", "scperturb", "perturbench", "sheet"] = key(
        ...,
        "gears: obs condition, A+ctrl, A+B, ctrl; scperturb: obs perturbation, A_B, control, and nperts; perturbench: "
        "obs condition, A+B, control; sheet: column perturbation, A+B, control",
    )
    sheet: File | None = key(
        ...,
        "table with a line a cell, its name in the first column, in place of obs; a path or resource:<name>",
    )
    values: Literal["counts", "logarithms"] = key(
        ...,
        "counts: scaled to 10,000 a cell, log1p; logarithms: X of an .h5ad, natural, of 1 + normalised counts",
    )
    symbols: Word | None = key(
        ..., "column of var with the genes' symbols; null: their names are symbols"
    )
    column: Word | None = key(..., "of the perturbation; null: that of the form")
    control: Word | None = key(..., "word for no perturbation; null: that of the form")
    context: Word | None = key(
        ...,
        "column of what is scored by itself, such as cell_type; null: one context",
    )
    batch: Word | None = key(
        ..., "column within which cells are halved; null: one batch"
    )
    expression: list[File] = key(
        ...,
        "count matrices of unperturbed cells of the line, for the co-expression of perturbed genes; []: the screen's "
        "control cells that are not scored",
    )


class PerturbationProfiles(Settings):
    """Expression profiles after perturbations."""

    screens: dict[str, PerturbedCells] = key(
        {},
        "name -> cells of a perturbation screen; {}: no benchmark",
        names={"pattern": "^[A-Za-z0-9_-]+$"},
    )
    splits: list[Literal["holdout", "folds", "leave_one_out"]] = key(
        ["folds"],
        "holdout: a quarter of the perturbed genes and of the combinations is tested; folds: each gene once; "
        "leave_one_out: each gene by itself",
        unique=True,
        min_length=1,
    )
    n_folds: int = key(5, "of the split called folds", unit="folds", ge=2)
    least_cells: int = key(
        20,
        "of a perturbation in a context: half of them are scored",
        unit="cells",
        ge=4,
    )
    networks: list[Word] = key(
        [], "datasets whose TF-gene networks are arms, by signed propagation"
    )
    models: Word | None = key(
        None,
        "dataset or corpus whose pretrained models are arms, by their embeddings of the perturbed genes; null: none",
    )
    in_silico: InSilico = InSilico()
    seed: Seed = key(
        1, "of halves of cells, splits, inner folds, rewired graphs and the forest"
    )
