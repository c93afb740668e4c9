"""What an embedding holds, by what is read of a cell: against principal components of as many dimensions, and genes.

``python benchmarks/bench_embedding.py [RESULTS]`` takes from the results folder the models of the demo, those of the
corpus of RNA (config/scenarios/rna_corpus.yaml) where it was run, and the lines of drug response, and PBMC 3k from the
mirror ($GRNFORMER_MIRROR): labelled cells, which the corpus holds and the demo does not; those without a type are named
`nan` there, a type by itself. Embeddings are read without a graph. Lines: ridge on unseen lines, the penalty chosen on
validation lines, five folds. PBMC 3k: cell type by the 15 nearest other cells, and adjusted Rand index of k-means with
as many clusters as types. Principal components are of the cells or lines themselves, of the genes that the model knows:
they have seen the tested profiles, though no label.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import anndata as ad
import numpy as np
import scipy.sparse as sp
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from table import Table, say

from grnformer.bench.drug_response.heads import PENALTIES
from grnformer.bench.drug_response.informed import choose, line_ridge
from grnformer.bench.drug_response.lines import compare_with_lines, standardise_lines
from grnformer.bench.drug_response.matrix import Matrix, blank_tested, known_pairs
from grnformer.bench.drug_response.metrics import double_centred_pearson_with
from grnformer.bench.drug_response.split import fold_columns
from grnformer.core import io
from grnformer.data.tokeniser import Tokens
from grnformer.infer.expression import ExpressionRows, find_genes
from grnformer.infer.reading import (
    GeneAxes,
    Reading,
    as_nodes,
    effective_dimensions,
    read_vectors,
)
from grnformer.model.backbones import BACKBONES
from grnformer.model.saved import load_model

PBMC = "rna/pbmc3k_counts_labelled.h5ad"
NEAREST, STARTS = 15, 5
MODELS = {
    "none": "snareseq/pretrain/none/seed1",
    "hybrid": "snareseq/pretrain/hybrid/seed1",
    # config/scenarios/rna_corpus.yaml; left out where it was not run
    "corpus, none": "joint/pretrain/none/seed1",
    "corpus, hybrid": "joint/pretrain/hybrid/seed1",
}
PARTS = ("cell", "genes", "projected")
READINGS = {
    "samples of 256 genes, cell": Reading("sample", ("cell",), 256, 2),
    **{f"expressed genes, {part}": Reading("expressed", (part,), 256, 2) for part in PARTS},
    "expressed genes, all parts": Reading("expressed", PARTS, 256, 2),
}  # fmt: skip


def embed(
    folder: Path, data: ad.AnnData, reading: Reading, scale: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings without a graph, and the expression of the genes that the model knows."""
    model, card = load_model(folder)
    columns, measured = find_genes(data.var, card, {}, {})
    rows = ExpressionRows(data, columns, 4096, scale)
    expression = sp.csr_matrix(sp.vstack([block for _, block in rows]))
    backbone = BACKBONES[card["arguments"]["backbone"]["name"]]
    tokeniser = backbone.tokeniser(**card["tokeniser"]).of_genes(measured)
    values, axes = tokeniser.values(expression), GeneAxes(model)

    def make(places: np.ndarray, seeds: list[int]) -> Iterator[Tokens]:
        def sample(rng: np.random.Generator) -> Tokens:
            return tokeniser.tokenise(values[places], reading.n_tokens, rng)

        for tokens in reading.tokens(tokeniser, values[places], model, sample, seeds):
            yield as_nodes(tokens, measured)

    def project(places: np.ndarray) -> np.ndarray:
        return axes.project(expression[places], measured)

    found = read_vectors(
        model, reading, data.n_obs, make, project, batch_size=128, seed=1
    )
    return found, expression.toarray()


class Lines:
    """Lines of the screen, and what ridge predicts on lines that it has not seen."""

    def __init__(self, results: Path) -> None:
        folder = results / "bench" / "drug_response"
        responses = io.read_table(folder / "responses.parquet", "drug_responses")
        self.parts = io.read_table(folder / "split" / "line.parquet", "drug_split")
        self.matrix = Matrix.from_table(responses, None)
        expression = io.read_anndata(folder / "expression.h5ad", "line_expression")
        self.expression = expression[self.matrix.lines].copy()
        self.data = compare_with_lines(self.expression, self.expression)
        self.genes = np.asarray(self.expression.X, float)

    def score(
        self, features: list[np.ndarray], scaled: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Double-centred Pearson of each fold, on its validation lines and on its tested ones."""
        validation, test = [], []
        for fold in fold_columns(self.parts):
            masks = self.matrix.part_masks(self.parts, fold)
            values = blank_tested(self.matrix.training, masks)
            lines = np.asarray(masks["train"].any(axis=1))
            # Entries of an embedding to unit variance, as the heads of the benchmark; genes as they are.
            used = [
                standardise_lines(each, lines, each.shape[1]).astype(float)
                if scaled and each is not self.genes
                else each
                for each in features
            ]
            ridge = line_ridge(values, used, covariance=False)
            found = list(ridge(masks["train"], PENALTIES))
            best = choose(values, masks["validation"], PENALTIES, found)
            (final,) = ridge(known_pairs(masks), [best])
            chosen = found[PENALTIES.index(best)]
            known = double_centred_pearson_with(values, masks["validation"])
            truth = double_centred_pearson_with(self.matrix.values, masks["test"])
            validation.append(known(chosen))
            test.append(truth(final))
        return np.array(validation), np.array(test)


def cell_type_scores(vectors: np.ndarray, types: np.ndarray) -> tuple[float, float]:
    """Accuracy of the types of the nearest other cells, and adjusted Rand index of k-means."""
    finder = NearestNeighbors(n_neighbors=NEAREST).fit(vectors)
    # Without the cells themselves.
    near = finder.kneighbors(return_distance=False)
    vote = KNeighborsClassifier(NEAREST).fit(vectors, types)
    counts = np.stack([(types[near] == name).sum(1) for name in vote.classes_], axis=1)
    accuracy = float(np.mean(vote.classes_[counts.argmax(1)] == types))

    index = [
        adjusted_rand_score(
            types,
            KMeans(len(vote.classes_), n_init=1, random_state=start).fit_predict(vectors),
        )
        for start in range(STARTS)
    ]  # fmt: skip
    return accuracy, float(np.mean(index))


def components(values: np.ndarray, n_components: int) -> np.ndarray:
    return PCA(n_components, svd_solver="randomized", random_state=0).fit_transform(
        values
    )


def read_pbmc() -> tuple[ad.AnnData, np.ndarray]:
    """Cells with a type, and their types."""
    # A file of a mirror: its public form is one of R.
    cells = ad.read_h5ad(Path(os.environ["GRNFORMER_MIRROR"]) / PBMC)
    cells = cells[cells.obs["cell_type"].notna().to_numpy()].copy()
    return cells, cells.obs["cell_type"].to_numpy(str)


def main() -> None:
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
    table, lines = Table("embedding"), Lines(results)
    cells, types = read_pbmc()
    unit = "double-centred Pearson"

    of_genes = lines.score([lines.genes], scaled=False)
    for where, scores in zip(("validation", "unseen"), of_genes, strict=True):
        table.add_figure(
            f"{where} lines: all {lines.genes.shape[1]} genes", unit, scores.mean()
        )

    # Of as many dimensions as an embedding has; computed once for each number.
    pca: dict[int, list[float]] = {}
    for model, place in MODELS.items():
        if not (results / place).exists():
            say(f"no {place}: left out")
            continue
        for name, reading in READINGS.items():
            what = f"{model}, {name}"
            embedding, expression = embed(results / place, lines.data, reading, "any")
            of_cells, known = embed(results / place, cells, reading, None)
            width = embedding.shape[1]
            if width not in pca:
                part = components(expression, width)
                of_pbmc = components(known, width)
                validation, test = lines.score([part], scaled=False)
                pca[width] = [
                    effective_dimensions(part),
                    validation.mean(),
                    test.mean(),
                ]
                pca[width] += cell_type_scores(of_pbmc, types)
            beside, (validation, test) = (
                pca[width],
                lines.score([embedding], scaled=True),
            )
            joined = lines.score([embedding, lines.genes], scaled=True)[1]
            accuracy, rand = cell_type_scores(of_cells, types)

            own = [effective_dimensions(embedding), validation.mean(), test.mean()]
            own += [accuracy, rand]
            labels = {
                f"effective dimensions of {width} (lines)": "",
                "validation lines": unit,
                "unseen lines": unit,
                "PBMC 3k: type of nearest cells": "accuracy",
                "PBMC 3k: k-means": "adjusted Rand index",
            }
            for (label, kind), mine, theirs in zip(
                labels.items(), own, beside, strict=True
            ):
                table.add_score(f"{what}: {label}", kind, mine, theirs)
            above = float((joined > of_genes[1]).sum())
            table.add_score(
                f"{what}: unseen lines, beside all genes",
                unit,
                joined.mean(),
                of_genes[1].mean(),
            )
            table.add_figure(
                f"{what}: folds in which it is above all genes", "folds of 5", above
            )
            say(what)
    table.write()


if __name__ == "__main__":
    main()
