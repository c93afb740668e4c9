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

import numpy as np
import pyarrow as pa
from pyarrow import feather, ipc

from grnformer.core.errors import InputError
from grnformer.core.io import atomic

_INDEX = ("motifs", "tracks", "regions", "genes", "features")
_REGION = re.compile(r"^(?:\w+__)?[^:]+:\d+-\d+$")


@dataclass(frozen=True)
class Database:
    """An opened database: names are in memory, values stay in the file."""

    path: Path
    motifs: tuple[str, ...]
    features: tuple[str, ...]
    """Genes or regions, as named in the file."""

    @property
    def has_regions(self) -> bool:
        """Whether it is of regions, not genes."""
        return bool(_REGION.match(self.features[0]))

    def check_regions(self) -> None:
        """Raise InputError unless it is of regions."""
        if not self.has_regions:
            raise InputError(
                f"{self.path} is of genes such as {self.features[0]!r}",
                "regions such as chr1:100-600",
                "name a regions_vs_motifs database under grn.cistromes, or take the method cistarget_genes",
            )

    def _read(self, features: Sequence[str], dtype: type[np.generic]) -> np.ndarray:
        row_of = {feature: row for row, feature in enumerate(features)}
        values = np.empty((len(row_of), len(self.motifs)), dtype=dtype)
        table = _read_columns(self.path, list(row_of))

        # the reader gives columns in the order of the file
        for name, column in zip(table.column_names, table.itercolumns(), strict=True):
            row = row_of[name]
            values[row] = column.to_numpy()
        return values


class RankingDatabase(Database):
    """Ranks of genes or regions for each motif, 0 the best."""

    def load(self, features: Sequence[str]) -> np.ndarray:
        """Read the ranks of some features: int32 array, features (in the given order) x motifs."""
        ranks = self._read(features, np.int32)
        if not ranks.size:
            return ranks

        lowest = ranks.min()
        highest = ranks.max()
        if lowest < 0 or highest >= len(self.features):
            raise InputError(
                f"{self.path} has ranks from {lowest} to {highest}",
                f"ranks from 0 to {len(self.features) - 1}, one for each gene or region",
                "fetch the database again: it is damaged or not a ranking database",
            )
        return ranks


class ScoreDatabase(Database):
    """Scores of genes or regions for each motif, 0 where there is no site; higher is better."""

    def load(self, features: Sequence[str]) -> np.ndarray:
        """Read the scores of some features: float32 array, features (in the given order) x motifs."""
        scores = self._read(features, np.float32)
        # asked as "not at least 0", so that NaN is refused too
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


def _open(path: Path, holds: str) -> tuple[Path, tuple[str, ...], tuple[str, ...]]:
    """Path, motifs and features of a database that holds `rankings` or `scores`."""
    schema = _read_schema(path, holds)

    # from behind, where Feather v2 has the column: a gene or region might be named as one
    found = [name for name in reversed(schema.names) if name in _INDEX]
    index = found[0] if found else ""
    if not found:
        raise _unfit(path, f"it has no column {' or '.join(_INDEX[:2])}", holds)
    if index in ("regions", "genes"):
        raise _unfit(
            path,
            f"its columns are motifs and its rows {index}: the transposed form",
            holds,
        )

    types = {field.type for field in schema if field.name != index}
    fits = pa.types.is_integer if holds == "rankings" else pa.types.is_floating
    if not types or not all(map(fits, types)):
        type_names = sorted(map(str, types)) or ["none"]
        raise _unfit(path, f"it holds values of type {', '.join(type_names)}", holds)

    motifs = _read_columns(path, [index]).column(0)
    features = [name for name in schema.names if name != index]
    return path, tuple(motifs.to_pylist()), tuple(features)


def write_rankings(
    path: str | Path, ranks: np.ndarray, motifs: Sequence[str], features: Sequence[str]
) -> None:
    """Write a ranking database as Feather v2, as cisTarget's tools read it.

    Parameters
    ----------
    path
        By cisTarget's custom ``<name>.regions_vs_motifs.rankings.feather``.
    ranks
        Features x motifs, 0 the best.
    """
    # small databases are half as large in int16, which cisTarget's tools read too
    fits_int16 = len(features) <= np.iinfo(np.int16).max
    dtype = np.int16 if fits_int16 else np.int32
    _write(path, ranks.astype(dtype), motifs, features)


def write_scores(
    path: str | Path, scores: np.ndarray, motifs: Sequence[str], features: Sequence[str]
) -> None:
    """Write a score database as Feather v2: ``<name>.regions_vs_motifs.scores.feather``; features x motifs."""
    _write(path, scores.astype(np.float32), motifs, features)


def _write(
    path: str | Path, values: np.ndarray, motifs: Sequence[str], features: Sequence[str]
) -> None:
    # one column a gene or region: readers load those that they need
    columns = [pa.array(row) for row in np.ascontiguousarray(values)]
    columns.append(pa.array(motifs))
    table = pa.Table.from_arrays(columns, names=[*features, "motifs"])

    with atomic(path) as temporary:
        feather.write_feather(table, str(temporary), compression="zstd")


def _read_schema(path: Path, holds: str) -> pa.Schema:
    if not path.exists():
        raise InputError(
            f"no database of {holds} at {path}",
            "a Feather file",
            "correct it under grn.cistromes",
        )

    with path.open("rb") as handle:
        start = handle.read(6)

    # v2 is an Arrow file, whose schema is read without its values; v1 has none to read by itself
    if start == b"ARROW1":
        with ipc.open_file(path) as reader:
            return reader.schema
    if start.startswith(b"FEA1"):
        return _read_columns(path, None).schema
    raise _unfit(path, "it is no Feather file", holds)


def _read_columns(path: Path, columns: list[str] | None) -> pa.Table:
    with _feather_v1():
        return feather.read_table(path, columns=columns, memory_map=False)


@contextmanager
def _feather_v1() -> Iterator[None]:
    """Read Feather v1 without pyarrow's call to rewrite it: databases of that form are still in use."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Feather V1", category=DeprecationWarning
        )
        yield


def _unfit(path: Path, what: str, holds: str) -> InputError:
    return InputError(
        f"{path} cannot be used: {what}",
        f"a cisTarget database of {holds}, <name>.(genes|regions)_vs_motifs.{holds}.feather",
        "name a database with one column a gene or region under grn.cistromes",
    )
