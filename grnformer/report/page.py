"""What a page is made of (figures, tables, notes in sections) and how it is written as one HTML file."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jinja2
import markupsafe
import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from grnformer.core import io
from grnformer.report.figures.base import styled
from grnformer.report.headers import HEADERS
from grnformer.report.text import format_count, format_value

SHOWN = 19  # rows of a table on the page: more are for a program, which reads the TSV
MOST_FIGURES, MOST_TABLES = 3, 2  # of a section at first sight; the rest unfolds
SHORT = 12  # rows of a table at first sight: longer ones unfold with the rest
_PACKED = 40_000  # characters of a table from which on its download is compressed
_MOST_PACKED = 100_000  # bytes of a compressed table that stands in the page: a larger one lies beside it alone


@dataclass(frozen=True)
class Figure:
    """A plotly figure with its caption (what is seen, how it was computed, n). `wide` takes the whole row."""

    name: str
    figure: go.Figure
    caption: str
    height: int = 420
    wide: bool = True
    title: str = ""  # above the plot, where a long one wraps and nothing lies over it

    @property
    def json(self) -> markupsafe.Markup:
        """The styled figure, safe inside a script element."""
        # A closing tag inside a string would end the script element.
        text = styled(self.figure, self.height).to_json(engine="json")
        return markupsafe.Markup(text.replace("</", "<\\/"))


@dataclass(frozen=True)
class Table:
    """A table with its caption.

    All rows go into the TSV called `name`; the page shows the first `shown` of them, folded or not.
    """

    name: str
    frame: pd.DataFrame
    caption: str
    headers: dict[str, str]
    shown: int
    folded: bool
    hidden: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Columns on the page: those that are `hidden` are in the file alone, so that the others fit the page."""
        return [column for column in self.frame if column not in self.hidden]

    @property
    def rest(self) -> str:
        """How many columns are in the file alone, in words; "" for none."""
        number = len(self.frame.columns) - len(self.columns)
        verb = "is" if number == 1 else "are"
        return (
            f"{format_count(number, 'more column')} {verb} in the file."
            if number
            else ""
        )

    @property
    def heads(self) -> list[str]:
        """Headers shown: those of this table, else the usual ones, else the columns' names."""
        headers = HEADERS | self.headers
        return [
            headers.get(column, column.replace("_", " ")) for column in self.columns
        ]

    @property
    def classes(self) -> list[str]:
        """CSS class of each column: number or text."""
        numbers = self.frame.select_dtypes("number").columns
        return ["number" if column in numbers else "text" for column in self.columns]

    @property
    def rows(self) -> list[list[str]]:
        """Cells of the rows shown, as text."""
        # As objects: a column of integers must not become one of floats beside a missing value.
        records = (
            self.frame[self.columns]
            .head(self.shown)
            .astype(object)
            .itertuples(index=False, name=None)
        )
        return [list(map(format_value, record)) for record in records]

    def download(self, dataset: str) -> Download:
        """The whole table as a file to download.

        A large one is compressed, and a very large one lies only in the folder ``tables`` beside the page, so that the
        page stays small.
        """
        # The same digits as in the folder of tables.
        text = _with_dataset(self.frame, dataset).to_csv(
            sep="\t", index=False, float_format="%.6g"
        )
        content, name, kind = (
            text.encode(),
            f"{self.name}.tsv",
            "text/tab-separated-values",
        )
        if len(text) >= _PACKED:
            # no time in the header: the same table is the same page
            content = gzip.compress(content, mtime=0)
            if len(content) > _MOST_PACKED:
                return Download(name, f"tables/{name}")
            name, kind = f"{name}.gz", "application/gzip"
        return Download(
            name, f"data:{kind};base64,{base64.b64encode(content).decode()}"
        )


class Download(NamedTuple):
    """A file that stands in the page: its name, and its content as a link."""

    name: str
    link: str


def table(
    name: str,
    frame: pd.DataFrame,
    caption: str,
    *,
    shown: int = SHOWN,
    folded: bool = False,
    hidden: Sequence[str] = (),
    **headers: str,
) -> Table:
    """A table; `headers` names the columns whose header is not the usual one (`HEADERS`)."""
    return Table(name, frame, caption, headers, shown, folded, tuple(hidden))


@dataclass(frozen=True)
class Note:
    """A sentence, and below it its items: plain text, a verdict computed from numbers, or why something is missing."""

    text: str
    items: tuple[str, ...] = ()
    kind: Literal["text", "gain", "nothing", "loss", "missing"] = "text"


@dataclass(frozen=True)
class Aside:
    """Explanations for who wants to know more: they unfold."""

    topic: str
    words: str


@dataclass(frozen=True)
class Listing:
    """Preformatted text under a heading that unfolds."""

    heading: str
    text: str


@dataclass(frozen=True)
class Key:
    """What names stand for, each with its colour in the figures: (name, colour, meaning)."""

    heading: str
    names: tuple[tuple[str, str, str], ...]


State = Literal["good", "caution", "failed", "absent"]


@dataclass(frozen=True)
class Tile:
    """A verdict on a part of the run: its one number with what it counts, and what the verdict rests on."""

    what: str
    state: State
    number: str
    counts: str
    why: str

    @property
    def word(self) -> str:
        """The verdict as it is read: a sign beside the colour, for readers who see no colours."""
        return {
            "good": "\N{HEAVY CHECK MARK} good",
            "caution": "! caution",
            "failed": "\N{MULTIPLICATION X} failed",
            "absent": "\N{EN DASH} not run",
        }[self.state]


@dataclass(frozen=True)
class Tiles:
    """What was run, in a few facts, and a tile for each part of it."""

    facts: tuple[str, ...]
    tiles: tuple[Tile, ...]


Block = Figure | Table | Note | Aside | Listing | Tiles | Key
Config = dict[str, Any]  # the configuration, or a section of it


@dataclass(frozen=True)
class Section:
    """One section of the page.

    `dataset` is empty for what concerns the whole run. Of a section with a `lead`, only so many blocks are shown at
    first sight.
    """

    name: str
    title: str
    blocks: list[Block]
    dataset: str = ""
    lead: int | None = None

    @property
    def brief(self) -> bool:
        """Whether it is a first screen, which needs no heading of its own."""
        return any(isinstance(block, Tiles) for block in self.blocks)

    @property
    def anchor(self) -> str:
        """Fragment identifier of the section, unique on the page."""
        return _identifier(self.dataset, self.name)

    @property
    def shown(self) -> list[Block]:
        """Blocks at first sight: notes, the first figures, the first short tables that are not folded."""
        return self._split()[0]

    @property
    def more(self) -> list[Block]:
        """The other blocks, which unfold."""
        return self._split()[1]

    def _split(self) -> tuple[list[Block], list[Block]]:
        if self.lead is not None:
            return self.blocks[: self.lead], self.blocks[self.lead :]
        shown: list[Block] = []
        more: list[Block] = []
        places = {Figure: MOST_FIGURES, Table: MOST_TABLES, Listing: 0}
        for block in self.blocks:
            if isinstance(block, Note | Aside | Tiles | Key):
                shown.append(block)
            elif places[type(block)] and not _is_long(block):
                places[type(block)] -= 1
                shown.append(block)
            else:
                more.append(block)
        return shown, more

    def id_of(self, figure: Figure) -> str:
        """Id of one of its figures."""
        return _identifier(self.dataset, self.name, figure.name)


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
    # Navigation and headings go by dataset.
    groups: dict[str, list[Section]] = {}
    for section in sections:
        groups.setdefault(section.dataset, []).append(section)

    # A name that the template misspells is an error, not an empty place.
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["breakable"] = _breakable
    return environment.from_string(template).render(
        title=title,
        lead=lead,
        groups=groups,
        # The library names the closing tag in a string, which would end the script element here.
        plotlyjs=get_plotlyjs().replace("</script", "<\\/script"),
    )


def collect_tables(sections: list[Section]) -> dict[str, pd.DataFrame]:
    """All tables by name, each with the column `dataset` first and the rows of every dataset below each other."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table):
                parts.setdefault(block.name, []).append(
                    _with_dataset(block.frame, section.dataset)
                )

    return {
        name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()
    }


def write_report(
    page: str,
    tables: dict[str, pd.DataFrame],
    page_path: str | Path,
    folder: str | Path,
) -> None:
    """Write the page, and each table as a TSV into `folder`; each is replaced only when it is complete."""
    # Tables first: a page never stands beside tables of an earlier run.
    with io.atomic(folder) as temporary:
        temporary.mkdir()
        for name, frame in tables.items():
            io.write_table(frame, temporary / f"{name}.tsv", "report_table")

    with io.atomic(page_path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _is_long(block: Block) -> bool:
    """Whether it is a table that is not read at first sight."""
    return isinstance(block, Table) and (block.folded or len(block.frame) > SHORT)


def _breakable(text: str) -> markupsafe.Markup:
    """A name that may be broken after an underscore or a slash, where a column is narrow."""
    escaped = str(markupsafe.escape(text))
    return markupsafe.Markup(re.sub(r"([_/])", r"\1<wbr>", escaped))


def _identifier(*parts: str) -> str:
    """Text as an HTML id: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts)).strip("-").lower()


def _with_dataset(frame: pd.DataFrame, dataset: str) -> pd.DataFrame:
    # A copy: the page shows the frame without this column.
    frame = frame.copy()
    frame.insert(0, "dataset", dataset or "all")
    return frame
