"""Pictures of a run: the network of a cell type, activity of eRegulons on the UMAP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from grnformer.api.run import Run, unknown
from grnformer.api.tl import top_regulons

if TYPE_CHECKING:
    import plotly.graph_objects as go


def network(
    run: Run,
    cell_type: str,
    *,
    tfs: Sequence[str] | None = None,
    n_tfs: int = 8,
    n_targets: int = 12,
    seed: int = 1,
) -> go.Figure:
    """Draw the strongest edges of a cell type's network: activation solid blue, repression dashed orange.

    Parameters
    ----------
    run
        See `read_run`.
    tfs
        Only these; None: the `n_tfs` whose eRegulons are most specific for the type.
    n_tfs, n_targets
        TFs, and the strongest targets of each.
    seed
        Of the layout.

    Returns
    -------
    A plotly figure: a notebook shows it, ``.write_html(path)`` keeps it.

    Raises
    ------
    UnknownName
        If there is no such cell type, or a TF has no edge in it.
    """
    from grnformer.report.figures.network import plot_network, strongest_edges

    edges = run.networks[cell_type]
    known = set(edges["tf"])
    if tfs is None:
        chosen = list(top_regulons(run, cell_type, n=len(run.eregulons))["tf"])
    else:
        chosen, n_tfs = list(dict.fromkeys(tfs)), len(set(tfs))
        for tf in chosen:
            if tf not in known:
                raise unknown(f"TF of {cell_type}", tf, sorted(known))
    return plot_network(strongest_edges(edges, chosen, n_tfs, n_targets), seed)


def activity(
    run: Run, eregulons: Sequence[str] | str | None = None, **options: Any
) -> Any:
    """Draw the activity (AUC) of eRegulons on the UMAP, beside the cell types.

    Parameters
    ----------
    run
        See `read_run`.
    eregulons
        Names; or TFs, which stand for all their eRegulons; None: the most specific one of each cell type.
    options
        Of ``scanpy.pl.umap``.

    Raises
    ------
    UnknownName
        If the run has no such eRegulon or TF.
    """
    import scanpy as sc

    cells = run.activity
    if eregulons is None:
        best = [top_regulons(run, name, n=1)["eregulon"] for name in run.cell_types]
        chosen = [name for names in best for name in names]
    else:
        asked = [eregulons] if isinstance(eregulons, str) else list(eregulons)
        chosen = [name for one in asked for name in _named(run, one)]
    return sc.pl.umap(cells, color=["cell_type", *dict.fromkeys(chosen)], **options)


def _named(run: Run, name: str) -> list[str]:
    """The eRegulon of this name, or those of the TF."""
    of_tf = run.activity.var["tf"] == name
    if of_tf.any():
        return list(run.activity.var_names[of_tf])
    if name not in run.activity.var_names:
        raise unknown("eRegulon or TF", name, run.activity.var_names)
    return [name]
