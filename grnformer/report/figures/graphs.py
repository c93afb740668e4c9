"""Figure of degrees: how many genes have how many links."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import cycle

import numpy as np
import plotly.graph_objects as go

from grnformer.report.figures.base import CATEGORIES, legend_above, panels


def plot_distributions(
    degrees: dict[str, np.ndarray],
    is_tf: np.ndarray,
    palette: dict[str, str] | None = None,
    dotted: Collection[str] = (),
) -> go.Figure:
    """Complementary cumulative distributions of degrees, TFs and other genes apart.

    Parameters
    ----------
    degrees
        Name -> links of genes (..., N).
    is_tf
        (N,), True for TFs.
    palette
        Colours of names that have one elsewhere.
    dotted
        Names whose lines are dotted, and lie on those of others.
    """
    figure, places = panels(
        ["TFs", "other genes"], shared_yaxes=True, horizontal_spacing=0.04
    )
    palette = _fill(palette or {}, degrees)

    for name, links in degrees.items():
        for place, chosen in zip(places, (is_tf, ~is_tf), strict=True):
            # Genes with at least each number of links, from the highest number down.
            values, counts = np.unique(links[..., chosen], return_counts=True)
            at_least = counts[::-1].cumsum()[::-1] / max(counts.sum(), 1)
            linked = values > 0  # a log axis has no 0

            figure.add_scatter(
                x=values[linked],
                y=np.round(at_least[linked], 5),
                mode="lines",
                name=name,
                legendgroup=name,
                showlegend=place["col"] == 1,
                line_color=palette[name],
                line_width=3 if name in dotted else 2,
                line_dash="dot" if name in dotted else "solid",
                line_shape="hv",
                **place,
            )

    figure.update_xaxes(type="log", title="links (n)", dtick=1)
    # Both axes are logs: degrees of TFs and of other genes differ by orders of magnitude.
    figure.update_yaxes(type="log", dtick=1, tickformat="~%")
    figure.update_yaxes(title="fraction of genes", col=1)
    return legend_above(figure, 1.14, margin_t=90)


def _fill(palette: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    """The palette, with colours that it does not have for the names that it lacks."""
    free = [colour for colour in CATEGORIES if colour not in palette.values()]
    lacking = [name for name in names if name not in palette]
    return palette | dict(zip(lacking, cycle(free), strict=False))
