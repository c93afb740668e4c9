"""cisTarget databases in Feather files: for each motif, the rank or the score of every gene or region.

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
from typing import TYPE_CHECKING

import numpy as np

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

_INDEX = ("motifs", "tracks", "regions", "genes", "features")
_REGION = re.compile(r"^(?:\w+__)?[^:]+:\d+-\d+$")


@dataclass(frozen=True)
class Database:
    """An opened database: names are in memory, values stay in the file."""

    path: Path
    index: str
    """Name of the column that holds the motifs."""
    motifs: tuple[str, ...]
    features: tuple[str, ...]
    """Genes or regions, as named in the file."""

    @property
    def has_regions(self) -> bool:
        """Whether it is of regions, not genes."""
        return bool(_REGION.match(self.features[0]))

    def _read(self, features: Sequence[str], dtype: type[np.generic]) -> np.ndarray:
        from pyarrow import feather

        place = {str(feature): i for i, feature in enumerate(features)}
        values = np.empty((len(place), len(self.motifs)), dtype=dtype)
        with _feather_v1():
            table = feather.read_table(self.path, columns=list(place), memory_map=False)
        for name, column in zip(table.column_names, table.itercolumns(), strict=True):
            values[place[name]] = column.to_numpy()
        return values


class RankingDatabase(Database):
    """Ranks of genes or regions for each motif, 0 the best."""

    def load(self, features: Sequence[str]) -> np.ndarray:
        """Read the ranks of some features: int32 array, features (in the given order) x motifs."""
        ranks = self._read(features, np.int32)
        if ranks.size and (ranks.min() < 0 or ranks.max() >= len(self.features)):
            raise InputError(
                f"{self.path} has ranks from {ranks.min()} to {ranks.max()}",
                f"ranks from 0 to {len(self.features) - 1}, one for each gene or region",
                "fetch the database again: it is damaged or not a ranking database",
            )
        return ranks


class ScoreDatabase(Database):
    """Scores of genes or regions for each motif, 0 where there is no site; higher is better."""

    def load(self, features: Sequence[str]) -> np.ndarray:
        """Read the scores of some features: float32 array, features (in the given order) x motifs."""
        scores = self._read(features, np.float32)
        if scores.size and not scores.min() >= 0:
            raise InputError(
                f"{self.path} has scores from {scores.min()}",
                "scores of 0 and more",
                "fetch the database again: it is damaged or not a score database",
            )
        return scores


def open_rankings(path: str | Path) -> RankingDatabase:
    """Open a ranking database of Feather version 1 or 2.

    Raises
    ------
    InputError
        If there is no such file, it is no Feather file, holds scores, or has motifs in columns (the transposed form).
    """
    return RankingDatabase(*_open(Path(path), "rankings"))


def open_scores(path: str | Path) -> ScoreDatabase:
    """Open a score database of Feather version 1 or 2; raises as `open_rankings`, where it holds ranks."""
    return ScoreDatabase(*_open(Path(path), "scores"))


def _open(path: Path, holds: str) -> tuple[Path, str, tuple[str, ...], tuple[str, ...]]:
    """Path, name of the column of motifs, motifs and features of a database that holds `rankings` or `scores`."""
    import pyarrow as pa
    from pyarrow import feather

    if not path.exists():
        raise InputError(f"no database of {holds} at {path}", "a Feather file", "correct it under grn.cistromes")
    with path.open("rb") as handle:
        start = handle.read(6)
    if start != b"ARROW1" and start[:4] != b"FEA1":
        raise _unfit(path, "it is no Feather file", holds)
    schema = _schema(path, version=1 if start[:4] == b"FEA1" else 2)
    index = next((name for name in reversed(schema.names) if name in _INDEX), None)
    if index is None:
        raise _unfit(path, f"it has no column {' or '.join(_INDEX[:2])}", holds)
    if index in ("regions", "genes"):
        raise _unfit(path, f"its columns are motifs and its rows {index}: the transposed form", holds)
    kinds = {field.type for field in schema if field.name != index}
    fits = pa.types.is_integer if holds == "rankings" else pa.types.is_floating
    if not kinds or not all(fits(kind) for kind in kinds):
        raise _unfit(path, f"it holds values of type {', '.join(sorted(map(str, kinds))) or 'none'}", holds)
    with _feather_v1():
        motifs = feather.read_table(path, columns=[index], memory_map=False).column(0).to_pylist()
    return path, index, tuple(motifs), tuple(name for name in schema.names if name != index)


def write_rankings(path: str | Path, ranks: np.ndarray, motifs: Sequence[str], features: Sequence[str]) -> None:
    """Write a ranking database as Feather v2, as cisTarget's own tools read it.

    Parameters
    ----------
    path
        By cisTarget's custom ``<name>.regions_vs_motifs.rankings.feather``.
    ranks
        Features x motifs, 0 the best.
    """
    _write(path, ranks.astype(np.int16 if len(features) <= np.iinfo(np.int16).max else np.int32), motifs, features)


def write_scores(path: str | Path, scores: np.ndarray, motifs: Sequence[str], features: Sequence[str]) -> None:
    """Write a score database as Feather v2: ``<name>.regions_vs_motifs.scores.feather``; features x motifs."""
    _write(path, scores.astype(np.float32), motifs, features)


def _write(path: str | Path, values: np.ndarray, motifs: Sequence[str], features: Sequence[str]) -> None:
    import pyarrow as pa
    from pyarrow import feather

    from grnformer.core.io import atomic

    columns = [pa.array(row) for row in np.ascontiguousarray(values)]
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


def _unfit(path: Path, what: str, holds: str) -> InputError:
    return InputError(
        f"{path} cannot be used: {what}",
        f"a cisTarget database of {holds}, <name>.(genes|regions)_vs_motifs.{holds}.feather",
        "name a database with one column a gene or region under grn.cistromes",
    )
