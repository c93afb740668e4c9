"""Reference mapping: cells without chromatin data take the graph of their nearest pretraining cell."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)
_LISTS = 2  # lists, a square root of the cells
_SEARCHED = 1.5  # lists searched, a square root of them
# reference cells at most whose nearest ones give the usual distance of an inexact search
_SAMPLED = 10_000


def dimensions(table: pd.DataFrame) -> list[str]:
    """The embedding's columns of a table, dim_0 first."""
    return [column for column in table.columns if column.startswith("dim_")]


class ReferenceIndex:
    """Finds the nearest reference cell in the backbone's embedding without a graph.

    Distances are Euclidean after each dimension is scaled to the reference's SD. Up to `exact_up_to` reference cells
    the search is exact, beyond by an inverted file (Jegou et al. 2011, doi:10.1109/TPAMI.2010.57; faiss): cells are
    filed by k-means, and a query is compared with those of the nearest lists. Built and searched on one core: the same
    whatever the number of threads.

    Parameters
    ----------
    reference
        Contract reference_embedding.
    exact_up_to
        Cells.
    usual_quantile
        Of the distances of reference cells to their nearest ones: what lies beyond is out of domain.
    seed
        Of the approximate index.
    """

    def __init__(
        self,
        reference: pd.DataFrame,
        *,
        exact_up_to: int,
        usual_quantile: float,
        seed: int,
    ) -> None:
        points = reference[dimensions(reference)].to_numpy(np.float64)
        # A constant dimension must not divide by 0.
        self._scale = np.maximum(points.std(0), 1e-9)
        # float32, as faiss needs it.
        self._points = (points / self._scale).astype(np.float32)
        self._cell = reference["cell"].to_numpy(object)
        self._cell_type = reference["cell_type"].to_numpy(object)

        self.is_exact = len(points) <= exact_up_to
        nearest = (
            self._build_exact() if self.is_exact else self._build_approximate(seed)
        )
        self.usual_distance = float(np.quantile(nearest, usual_quantile))

    def _build_exact(self) -> np.ndarray:
        """Build the index; distance of each reference cell to its nearest other one."""
        from sklearn.neighbors import NearestNeighbors

        self._exact = NearestNeighbors(algorithm="brute").fit(self._points)
        n_neighbors = min(2, len(self._points))  # the nearest is the cell itself
        return self._exact.kneighbors(self._points, n_neighbors=n_neighbors)[0][:, -1]

    def _build_approximate(self, seed: int) -> np.ndarray:
        """Build the index; distances of evenly spaced reference cells to their nearest other ones."""
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message="builtin type [sS]wig.*", category=DeprecationWarning
            )
            import faiss

        n_cells, n_dimensions = self._points.shape
        n_lists = max(1, round(_LISTS * n_cells**0.5))
        # The order of sums, and so the nearest of close cells, would depend on the threads.
        faiss.omp_set_num_threads(1)
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatL2(n_dimensions), n_dimensions, n_lists
        )
        # Short lists are meant: k-means need not warn of few cells.
        index.cp.seed, index.cp.min_points_per_centroid = seed, 1
        index.train(self._points)
        index.add(self._points)
        index.nprobe = max(1, round(_SEARCHED * n_lists**0.5))
        self._approximate = index

        # The quantile needs a sample only: searching for all would cost much more.
        sample = np.linspace(0, n_cells - 1, min(n_cells, _SAMPLED)).round().astype(int)
        squared, nearest = index.search(self._points[sample], 2)
        # The nearest is the cell itself, or another one in the same place.
        is_itself = nearest[:, 0] == sample
        # The index gives squared distances.
        return np.sqrt(np.where(is_itself, squared[:, 1], squared[:, 0]))

    def nearest(self, query: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row of the nearest reference cell of each row of `query` (rows, dimensions), and its distance."""
        scaled = (query / self._scale).astype(np.float32)
        if self.is_exact:
            found = self._exact.kneighbors(
                scaled, n_neighbors=1, return_distance=False
            )[:, 0]
        else:
            found = self._approximate.search(scaled, 1)[1][:, 0]
        # Searches expand the square, which cancels at small distances: taken again from the difference.
        difference = scaled.astype(np.float64) - self._points[found]
        return found, np.sqrt((difference**2).sum(1))

    def map(self, query: np.ndarray) -> pd.DataFrame:
        """Nearest reference cell of each row of `query`.

        Returns
        -------
        cell, cell_type, distance, out_of_domain (the distance is beyond the usual one: no pretraining cell is like
        it): one row a row of `query`.
        """
        found, distance = self.nearest(query)
        return pd.DataFrame(
            {
                "cell": self._cell[found],
                "cell_type": self._cell_type[found],
                "distance": distance,
                "out_of_domain": distance > self.usual_distance,
            }
        )


def warn_out_of_domain(mapping: pd.DataFrame, warn_above: float) -> None:
    """Log what cells were mapped to, as a warning where more than a fraction `warn_above` is out of domain."""
    fraction = float(mapping["out_of_domain"].mean())
    logger.info("mapped to %s", mapping["cell_type"].value_counts().to_dict())
    if fraction > warn_above:
        logger.warning(
            "%.0f%% of %d cells are out of domain (farther from any pretraining cell than those usually are from each "
            "other): their graphs are of cells unlike them",
            100 * fraction,
            len(mapping),
        )
