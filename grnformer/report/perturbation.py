"""What edge perturbation does to the degrees of TFs and of other genes: measured on the graphs that models train on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import anndata
    import pandas as pd

    from grnformer.graph.bundle import Bundle

POWERS = (0.0, -1.0, 1.0)


def expressed_genes(rna: anndata.AnnData, genes: Sequence[str], n_cells: int, seed: int) -> dict[str, list[np.ndarray]]:
    """For each cell type, the genes (places in `genes`) that up to `n_cells` of its cells express."""
    rng = np.random.default_rng(seed)
    types = rna.obs["cell_type"].astype(str).to_numpy()
    place = rna.var_names.get_indexer_for(list(genes))
    known = np.flatnonzero(place >= 0)
    expressed = {}
    for name in np.unique(types):
        rows = np.flatnonzero(types == name)
        rows = np.sort(rng.choice(rows, size=min(n_cells, len(rows)), replace=False))
        matrix = rna[rows].X[:, place[known]].tocsr()
        expressed[str(name)] = [known[part] for part in np.split(matrix.indices, matrix.indptr[1:-1])]
    return expressed


def perturbed_degrees(
    bundle: Bundle, expressed: Mapping[str, Sequence[np.ndarray]], share: float, power: float, seed: int
) -> dict[tuple[str, float], np.ndarray]:
    """Links of each gene in the graph of each type before and after one draw, (strategy, power) -> (types, N).

    Parameters
    ----------
    bundle
        With edges of types.
    expressed
        Cell type -> genes (node numbers) that each of some cells expresses.
    share
        Of the edges to replace.
    power
        The run's own degree power, measured beside `POWERS`.
    seed
        Of the draw.
    """
    from grnformer.graph.perturb import STRATEGIES, count_links, perturb_edges
    from grnformer.graph.structure import edge_list

    n_genes = len(bundle.graph.genes)
    powers = list(dict.fromkeys([*POWERS, float(power)]))
    cases = [("none", 0.0)] + [(strategy, p) for strategy in STRATEGIES for p in powers]
    tables = [(str(name), edge_list(table)) for name, table in bundle.graph.edges.groupby("cell_type")]
    links: dict[tuple[str, float], np.ndarray] = {}
    for strategy, p in cases:
        rng = np.random.default_rng(seed)
        links[strategy, p] = np.stack(
            [
                count_links(
                    perturb_edges(edges, strategy, share, expressed.get(name, []), n_genes, rng, degree_power=p),
                    n_genes,
                )
                for name, edges in tables
            ]
        )
    return links


def tabulate_perturbed(links: Mapping[tuple[str, float], np.ndarray], is_tf: np.ndarray) -> pd.DataFrame:
    """Mean, median and highest degree and share without a link, of TFs and others, for each strategy and power."""
    import pandas as pd

    rows = []
    for (strategy, power), degree in links.items():
        for kind, chosen in (("TF", is_tf), ("other gene", ~is_tf)):
            if chosen.any():
                part = degree[:, chosen]
                rows.append(
                    {
                        "strategy": strategy,
                        "degree_power": power,
                        "kind": kind,
                        "mean_degree": float(part.mean()),
                        "median_degree": float(np.median(part)),
                        "highest_degree": int(part.max()),
                        "unlinked": float((part == 0).mean()),
                    }
                )
    return pd.DataFrame(rows)
