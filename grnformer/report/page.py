"""What a page is made of (figures, tables, notes in sections) and how it is written as one HTML file."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from grnformer.report.style import styled

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Figure:
    """A plotly figure with its caption (what is seen, how it was computed, n). `wide` takes the whole row."""

    name: str
    figure: go.Figure
    caption: str
    height: int = 420
    wide: bool = True


@dataclass(frozen=True)
class Table:
    """A table with its caption. `labels` gives the header shown for a column, with its unit.

    All rows go into the TSV called `name`; the page shows the first `shown` of them.
    """

    name: str
    frame: pd.DataFrame
    caption: str
    labels: dict[str, str] = field(default_factory=dict)
    shown: int = 200
    folded: bool = False


@dataclass(frozen=True)
class Note:
    """A sentence, and below it its items: plain text, a verdict computed from numbers, or why something is missing."""

    text: str
    items: tuple[str, ...] = ()
    kind: Literal["text", "gain", "nothing", "loss", "missing"] = "text"


@dataclass(frozen=True)
class Listing:
    """Preformatted text under a heading that unfolds."""

    title: str
    text: str


Block = Figure | Table | Note | Listing


@dataclass(frozen=True)
class Section:
    """One section of the page. `dataset` is empty for what concerns the whole run."""

    name: str
    title: str
    blocks: list[Block]
    dataset: str = ""

    @property
    def anchor(self) -> str:
        """Fragment identifier of the section, unique on the page."""
        return identifier(f"{self.dataset}-{self.name}" if self.dataset else self.name)


def identifier(text: str) -> str:
    """Text as an HTML id: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()


def render_page(title: str, lead: str, sections: list[Section], template: str) -> str:
    """Return the whole page as HTML; plotly.js stands in it once and nothing is loaded from elsewhere.

    Parameters
    ----------
    title, lead
        Heading of the page and the sentence below it.
    sections
        In the order shown; those of one dataset stand together.
    template
        Text of the Jinja template (workflow/report/page.html).
    """
    import jinja2
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.tests["figure"] = lambda block: isinstance(block, Figure)
    environment.tests["table"] = lambda block: isinstance(block, Table)
    environment.tests["listing"] = lambda block: isinstance(block, Listing)
    environment.filters["plotly_json"] = _plotly_json
    environment.filters["table_html"] = _table_html
    environment.filters["data_link"] = _data_link
    environment.filters["identifier"] = identifier
    datasets = list(dict.fromkeys(section.dataset for section in sections))
    return environment.from_string(template).render(
        title=title,
        lead=lead,
        groups=[(dataset, [s for s in sections if s.dataset == dataset]) for dataset in datasets],
        plotlyjs=get_plotlyjs().replace("</script", "<\\/script"),
    )


def collect_tables(sections: list[Section]) -> dict[str, pd.DataFrame]:
    """All tables by name, each with the column `dataset` first and the rows of every dataset below each other."""
    import pandas as pd

    parts: dict[str, list[pd.DataFrame]] = {}
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table):
                parts.setdefault(block.name, []).append(_with_dataset(block.frame, section.dataset))
    return {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}


def format_value(value: Any) -> str:
    """A cell as people read it: three significant digits (four from 10 on), a dash where undefined."""
    import numpy as np

    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(map(str, value))
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return MISSING
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{value:,d}"
    if isinstance(value, (float, np.floating)):
        size = abs(float(value))
        digits = 4 if size >= 10 else 3
        return (f"{value:,.0f}" if size >= 1000 else f"{value:.{digits}g}").replace("-", MINUS)
    return str(value)


def _with_dataset(frame: pd.DataFrame, dataset: str) -> pd.DataFrame:
    frame = frame.copy()
    frame.insert(0, "dataset", dataset or "all")
    return frame


def _plotly_json(block: Figure) -> Any:
    import markupsafe

    text = styled(block.figure, block.height).to_json(engine="json")
    return markupsafe.Markup(text.replace("</", "<\\/"))


def _table_html(block: Table) -> Any:
    import markupsafe
    import pandas as pd

    frame = block.frame.head(block.shown)
    numeric = [pd.api.types.is_numeric_dtype(frame[c]) and frame[c].dtype != bool for c in frame]
    classes = ["number" if n else "text" for n in numeric]
    head = "".join(
        f'<th scope="col" class="{cls}">{html.escape(block.labels.get(c, c.replace("_", " ")))}</th>'
        for c, cls in zip(frame, classes, strict=True)
    )
    rows = []
    for record in frame.astype(object).itertuples(index=False, name=None):
        cells = (
            f'<td class="{cls}">{html.escape(format_value(value))}</td>'
            for value, cls in zip(record, classes, strict=True)
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return markupsafe.Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>")


def _data_link(block: Table, dataset: str) -> str:
    text = _with_dataset(block.frame, dataset).to_csv(sep="\t", index=False, float_format="%.6g")
    return "data:text/tab-separated-values;base64," + base64.b64encode(text.encode()).decode()
