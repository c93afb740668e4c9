"""Reference mapping: cells without chromatin data take the graph of their nearest pretraining cell."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)
_LISTS, _SEARCHED = 2, 1.5  # lists a square root of the cells; lists searched, a square root of them
_MEASURED = (
    10_000  # reference cells at most whose distances to their nearest ones are taken, where the search is inexact
)


def dimensions(table: pd.DataFrame) -> list[str]:
    """The embedding's columns of a table, dim_0 first."""
    return [column for column in table.columns if column.startswith("dim_")]


class ReferenceIndex:
    """Finds the nearest reference cell in the backbone's embedding without a graph.

    Distances are Euclidean after each dimension is scaled to the reference's deviation. Up to `exact_up_to` reference
    cells the search is exact, beyond by an inverted file (Jegou et al. 2011, doi:10.1109/TPAMI.2010.57; faiss): cells
    are filed by k-means, and a query is compared with those of the nearest lists. Built and searched on one core: the
    same whatever the number of threads.

    Parameters
    ----------
    reference
        Contract reference_embedding.
    exact_up_to
        Cells.
    usual_quantile
        Of the distances of reference cells to their own nearest ones: what lies beyond is out of domain.
    seed
        Of the approximate index.
    """

    def __init__(self, reference: pd.DataFrame, *, exact_up_to: int, usual_quantile: float, seed: int) -> None:
        points = reference[dimensions(reference)].to_numpy(np.float64)
        self._scale = np.maximum(points.std(0), 1e-9)
        self._points = (points / self._scale).astype(np.float32)
        self._cell = reference["cell"].to_numpy(object)
        self._cell_type = reference["cell_type"].to_numpy(object)
        self.is_exact = len(points) <= exact_up_to
        own = self._build_exact() if self.is_exact else self._build_approximate(seed)
        self.usual_distance = float(np.quantile(own, usual_quantile))

    def _build_exact(self) -> np.ndarray:
        from sklearn.neighbors import NearestNeighbors

        self._exact = NearestNeighbors(algorithm="brute").fit(self._points)
        return self._exact.kneighbors(self._points, n_neighbors=min(2, len(self._points)))[0][:, -1]

    def _build_approximate(self, seed: int) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="builtin type [sS]wig.*", category=DeprecationWarning)
            import faiss

        n_cells, n_dimensions = self._points.shape
        n_lists = max(1, round(_LISTS * n_cells**0.5))
        faiss.omp_set_num_threads(1)
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(n_dimensions), n_dimensions, n_lists)
        index.cp.seed, index.cp.min_points_per_centroid = seed, 1
        index.train(self._points)
        index.add(self._points)
        index.nprobe = max(1, round(_SEARCHED * n_lists**0.5))
        self._approximate = index
        sample = np.linspace(0, n_cells - 1, min(n_cells, _MEASURED)).round().astype(int)
        squared, nearest = index.search(self._points[sample], 2)
        return np.sqrt(np.where(nearest[:, 0] == sample, squared[:, 1], squared[:, 0]))

    def nearest(self, query: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row of the nearest reference cell of each row of `query` (rows, dimensions), and its distance."""
        scaled = (query / self._scale).astype(np.float32)
        if self.is_exact:
            found = self._exact.kneighbors(scaled, n_neighbors=1, return_distance=False)[:, 0]
        else:
            found = self._approximate.search(scaled, 1)[1][:, 0]
        difference = scaled.astype(np.float64) - self._points[found]
        return found, np.sqrt((difference**2).sum(1))

    def map(self, query: np.ndarray) -> pd.DataFrame:
        """Nearest reference cell of each row of `query`.

        Returns
        -------
        cell, cell_type, distance, usual_distance, out_of_domain (the distance is beyond the usual one: no pretraining
        cell is like it): one row a row of `query`.
        """
        found, distance = self.nearest(query)
        return pd.DataFrame(
            {
                "cell": self._cell[found],
                "cell_type": self._cell_type[found],
                "distance": distance,
                "usual_distance": self.usual_distance,
                "out_of_domain": distance > self.usual_distance,
            }
        )


def warn_of_strangers(mapping: pd.DataFrame, warn_above: float) -> None:
    """Log what rows were mapped to, as a warning where more than a share `warn_above` of them is out of domain."""
    share = float(mapping["out_of_domain"].mean())
    logger.info("mapped to %s", mapping["cell_type"].value_counts().to_dict())
    if share > warn_above:
        logger.warning(
            "%.0f%% of %d rows are farther from any pretraining cell than those usually are from each other: "
            "their graphs are of cells unlike them",
            100 * share,
            len(mapping),
        )
