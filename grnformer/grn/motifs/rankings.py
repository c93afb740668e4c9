"""cisTarget ranking databases in Feather files: for each motif, the rank of every gene or region.

Feather v2 databases hold one column a gene or region and a last column ``motifs`` (or ``tracks``); Feather v1
databases a first column ``features``. Rank 0 is the best. Layout: Herrmann et al. 2012, doi 10.1093/nar/gks543,
and https://resources.aertslab.org/cistarget.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

_INDEX = ("motifs", "tracks", "regions", "genes", "features")
_REGION = re.compile(r"^(?:\w+__)?[^:]+:\d+-\d+$")


@dataclass(frozen=True)
class RankingDatabase:
    """An opened database: names are in memory, ranks stay in the file until `load`."""

    path: Path
    index: str
    """Name of the column that holds the motifs."""
    motifs: tuple[str, ...]
    features: tuple[str, ...]
    """Genes or regions, as named in the file."""

    @property
    def has_regions(self) -> bool:
        """Whether regions are ranked, not genes."""
        return bool(_REGION.match(self.features[0]))

    def load(self, features: Sequence[str]) -> np.ndarray:
        """Read the ranks of some features: int32 array, features (in the given order) x motifs."""
        from pyarrow import feather

        place = {feature: i for i, feature in enumerate(features)}
        ranks = np.empty((len(place), len(self.motifs)), dtype=np.int32)
        with _feather_v1():
            table = feather.read_table(self.path, columns=list(place), memory_map=False)
        for name, column in zip(table.column_names, table.itercolumns(), strict=True):
            ranks[place[name]] = column.to_numpy()
        if ranks.size and (ranks.min() < 0 or ranks.max() >= len(self.features)):
            raise InputError(
                f"{self.path} has ranks from {ranks.min()} to {ranks.max()}",
                f"ranks from 0 to {len(self.features) - 1}, one for each gene or region",
                "fetch the database again: it is damaged or not a ranking database",
            )
        return ranks


def open_rankings(path: str | Path) -> RankingDatabase:
    """Open a ranking database of Feather version 1 or 2.

    Raises
    ------
    InputError
        If there is no such file, it is no Feather file, holds scores, or has motifs in columns (the transposed form).
    """
    import pyarrow as pa

    path = Path(path)
    if not path.exists():
        raise InputError(f"no ranking database at {path}", "a Feather file", "set grn.cistromes.cistarget.rankings")
    with path.open("rb") as handle:
        start = handle.read(6)
    if start != b"ARROW1" and start[:4] != b"FEA1":
        raise _unfit(path, "it is no Feather file")
    schema = _schema(path, version=1 if start[:4] == b"FEA1" else 2)
    index = next((name for name in reversed(schema.names) if name in _INDEX), None)
    if index is None:
        raise _unfit(path, f"it has no column {' or '.join(_INDEX[:2])}")
    if index in ("regions", "genes"):
        raise _unfit(path, f"its columns are motifs and its rows {index}: the transposed form")
    kinds = {field.type for field in schema if field.name != index}
    if not kinds or not all(pa.types.is_integer(kind) for kind in kinds):
        raise _unfit(path, f"it holds values of type {', '.join(sorted(map(str, kinds))) or 'none'}")
    from pyarrow import feather

    with _feather_v1():
        motifs = feather.read_table(path, columns=[index], memory_map=False).column(0).to_pylist()
    return RankingDatabase(path, index, tuple(motifs), tuple(name for name in schema.names if name != index))


def write_rankings(path: str | Path, ranks: np.ndarray, motifs: Sequence[str], features: Sequence[str]) -> None:
    """Write a ranking database as Feather v2, as cisTarget's own tools read it.

    Parameters
    ----------
    path
        By cisTarget's custom ``<name>.regions_vs_motifs.rankings.feather``.
    ranks
        Features x motifs, 0 the best.
    """
    import pyarrow as pa
    from pyarrow import feather

    from grnformer.io import atomic

    narrow = np.int16 if len(features) <= np.iinfo(np.int16).max else np.int32
    columns = [pa.array(row) for row in np.ascontiguousarray(ranks, dtype=narrow)]
    table = pa.Table.from_arrays([*columns, pa.array(list(motifs))], names=[*features, "motifs"])
    with atomic(path) as temporary:
        feather.write_feather(table, str(temporary), compression="zstd")


def _schema(path: Path, version: int) -> pa.Schema:
    from pyarrow import feather, ipc

    if version == 2:
        with ipc.open_file(path) as reader:
            return reader.schema
    with _feather_v1():
        return feather.read_table(path).schema


@contextmanager
def _feather_v1() -> Iterator[None]:
    """Read Feather v1 without pyarrow's call to rewrite it: databases of that form are still in use."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Feather V1", category=DeprecationWarning)
        yield


def _unfit(path: Any, what: str) -> InputError:
    return InputError(
        f"{path} cannot be used: {what}",
        "a cisTarget ranking database, <name>.(genes|regions)_vs_motifs.rankings.feather",
        "name a ranking database with one column a gene or region in grn.cistromes.cistarget.rankings",
    )
