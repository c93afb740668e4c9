"""Responses of genes to perturbations."""

from __future__ import annotations

from typing import Literal

from grnformer.settings.key import File, Seed, Settings, Word, key


class InSilico(Settings):
    """The models' own perturbation: arms model_<arm>_in_silico; fold, quantile and samples as in `perturb`."""

    cells: int = key(
        16,
        "cells at most in which a perturbed gene is set, at even distances; 0: no such arms",
        unit="cells",
        ge=0,
    )
    cell_type: Word | None = key(
        None, "of the models' dataset, whose cells are taken; null: all"
    )
    edit: Literal["knock_down", "over_expression"] = key(
        "knock_down", "what a perturbation of the screen does to its gene"
    )


class Screen(Settings):
    """A screen of one cell line: labels of pairs of perturbed gene and gene."""

    effects: File = key(
        ...,
        "table with pert, gene, label (1: the gene responds), split (train, test); a path or resource:<name>",
    )
    directions: File | None = key(
        ...,
        "the same of the genes that respond, label 1 for up; null: responses only",
    )
    expression: list[File] = key(
        ...,
        "count matrices of cells of the line, which are joined: co-expression of the perturbed genes",
        min_length=1,
    )


class Perturbation(Settings):
    """Responses of genes to perturbations."""

    screens: dict[str, Screen] = key(
        {},
        "name -> a screen with labels in PerturbQA's form; {}: no benchmark",
        names={"pattern": "^[A-Za-z0-9_-]+$"},
    )
    networks: list[Word] = key(
        [], "datasets whose TF-gene networks are arms, by signed propagation"
    )
    models: Word | None = key(
        None,
        "dataset or corpus whose pretrained models are arms, by their embeddings of the perturbed genes; null: none",
    )
    in_silico: InSilico = InSilico()
    pathways: File = key(
        "resource:reactome_pathways.gmt",
        "gene sets (GMT, symbols); a path or resource:<name>",
    )
    complexes: File = key(
        "resource:corum_complexes.txt",
        "complexes: CORUM's allComplexes.txt, or GMT; a path or resource:<name>",
    )
    interactions: File = key(
        "resource:regulatory_prior.parquet",
        "OmniPath's interactions: the transcriptional ones are the prior; a path or resource:<name>",
    )
    n_folds: int = key(
        3,
        "of training perturbations, by which the settings of arms are chosen",
        unit="folds",
        ge=2,
    )
    seed: Seed = key(1, "of the folds, of rewired graphs and of the forest")
    n_resamples: int = key(
        400, "resamples of perturbations behind the intervals", ge=100
    )
