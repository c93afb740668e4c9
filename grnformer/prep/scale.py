"""What values of expression are: counts, or natural logarithms of normalised counts; all else is refused.

Linear values of a normalised cell add up to one total in all cells, as do those that its logarithms were taken of. So
the base of logarithms shows in sums over cells, and their total need not be known.
"""

from __future__ import annotations

import logging
from typing import Literal, NamedTuple

import numpy as np
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.prep.counts import is_whole, refuse_one_total, round_total

log = logging.getLogger(__name__)

Scale = Literal["counts", "logarithms", "rescaled", "any"]
TOTAL = 1e4  # counts that a cell's are scaled to
# log1p of counts per 10,000 ends at 9.2, log2 of counts per million at 20
LARGEST_LOG = 20.0
SAME = 0.05  # of a sum: cells agree although some genes were dropped after normalising
_ROUND = 0.01  # of a round total: all that rounding of single values changes
_WHOLE = 1e-3, 1e-5  # absolute, relative: logarithms in single precision come back so
_EXPECTED = "raw counts, or log1p (natural) of normalised counts of all genes"


class _Sums(NamedTuple):
    """Least and largest sum of a row."""

    least: float
    largest: float

    @property
    def spread(self) -> float:
        """Difference as a fraction of the largest."""
        return (self.largest - self.least) / self.largest if self.largest else np.inf

    def near(self, total: float, tolerance: float) -> bool:
        """Whether all sums are the total, but for a fraction `tolerance`."""
        return bool(
            self.least >= total * (1 - tolerance)
            and self.largest <= total * (1 + tolerance)
        )

    @property
    def round_total(self) -> float | None:
        """See the function of this name."""
        return round_total(self.least, self.largest)


class ScaleOf:
    """What the values of a matrix are, from rows given a block at a time.

    Parameters
    ----------
    where
        Of messages: the file.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._rows = 0
        self.largest = 0.0
        # Whether any block holds whole numbers alone, whether any holds fractions.
        self._whole = self._fractional = False
        self._whole_before_log = self._multiples = True
        # Sums of a row by what its values could be: linear, or logarithms of a base.
        self._sums: dict[str, _Sums] = {}

    def add(self, block: sp.csr_matrix) -> None:
        """Look at further rows, (rows, genes); rows without values above 0 tell nothing.

        Raises
        ------
        InputError
            If a value is negative or undefined.
        """
        values = block.data
        if not np.isfinite(values).all() or (values < 0).any():
            raise InputError(
                f"{self._where}: negative or undefined values",
                _EXPECTED,
                "give the values from before scaling (adata.raw, or a layer)",
            )

        rows = sp.csr_matrix(block, dtype=np.float64)
        rows = rows[np.asarray(rows.sum(1)).ravel() > 0]
        if not rows.shape[0]:
            return
        self._rows += rows.shape[0]
        self.largest = max(self.largest, float(rows.data.max()))
        whole = is_whole(rows.data)
        self._whole, self._fractional = (
            self._whole or whole,
            self._fractional or not whole,
        )
        self._add_sums("linear", rows, rows.data)
        # What is no logarithm must not overflow.
        if whole or self.largest > LARGEST_LOG:
            return

        before_log = np.expm1(rows.data)
        self._add_sums("natural", rows, before_log)
        self._add_sums("2", rows, np.exp2(rows.data) - 1)
        self._whole_before_log = self._whole_before_log and _nearly_whole(before_log)

        # Counts of a cell differ by one factor: its least one, mostly a single count.
        least = np.minimum.reduceat(
            np.where(before_log > 0, before_log, np.inf), rows.indptr[:-1]
        )
        ratio = before_log / np.repeat(least, np.diff(rows.indptr))
        self._multiples = self._multiples and _nearly_whole(ratio)

    def _add_sums(self, name: str, rows: sp.csr_matrix, values: np.ndarray) -> None:
        like = sp.csr_matrix((values, rows.indices, rows.indptr), shape=rows.shape)
        sums = np.asarray(like.sum(1)).ravel()
        known = self._sums.get(name, _Sums(np.inf, 0.0))
        self._sums[name] = _Sums(
            min(known.least, float(sums.min())), max(known.largest, float(sums.max()))
        )

    @property
    def one_total(self) -> bool:
        """Whether linear values add up to nearly one total in several cells."""
        return self._rows > 1 and self._sums["linear"].spread <= SAME

    def infer(self) -> Scale:
        """The scale of all rows added: counts, logarithms (per 10,000), or rescaled (natural, of another total).

        Raises
        ------
        InputError
            If the values are neither.
        """
        if not self._rows:
            raise InputError(
                f"{self._where}: no value above 0", _EXPECTED, "give another file"
            )
        if not self._fractional:
            sums = self._sums["linear"]
            refuse_one_total(sums.least, sums.largest, self._rows, self._where)
            return "counts"
        if self.largest > LARGEST_LOG:
            raise self._no_logarithms()
        if self._whole:
            raise InputError(
                f"{self._where}: cells of whole numbers, and cells with fractions up to {self.largest:g}",
                _EXPECTED,
                "give the raw counts",
            )

        self._refuse_other_base()
        is_usual = self._sums["natural"].near(TOTAL, _ROUND)
        return "logarithms" if is_usual and not self._whole_before_log else "rescaled"

    def _no_logarithms(self) -> InputError:
        found = (
            f"{self._where}: values up to {self.largest:g} that are not whole numbers"
        )
        if self._rows > 1 and self._sums["linear"].spread <= _ROUND:
            return InputError(
                f"{found}, with one total in all cells: normalised, no logarithms",
                _EXPECTED,
                "take log1p of them, or give the raw counts",
            )
        return InputError(
            f"{found}: too large for logarithms, and no counts",
            _EXPECTED,
            "give the raw counts; where only corrected counts are left (SoupX, CellBender, RSEM), round them",
        )

    @property
    def base(self) -> Literal["natural", "2"] | None:
        """Base of the logarithms that the values are, of counts or of values of one total a cell; None: of none."""
        if not self._rows or self._whole or self.largest > LARGEST_LOG:
            return None
        # Logarithms of counts themselves: sums are depths, and may differ.
        if self._whole_before_log:
            return "natural"

        linear, natural, two = (self._sums[name] for name in ("linear", "natural", "2"))
        if self._rows > 1:
            if natural.spread <= min(SAME, two.spread, linear.spread):
                return "natural"
            return "2" if two.spread <= min(SAME, linear.spread) else None

        # One row agrees with itself: its total must be a usual one, or its values those of single counts.
        if natural.round_total is not None:
            return "natural"
        if two.round_total is not None:
            return "2"
        return "natural" if self._multiples else None

    def _refuse_other_base(self) -> None:
        """Raise unless values are natural logarithms of what has one total in all cells."""
        if self.base == "natural":
            return

        natural = self._sums["natural"]
        found = (
            "scaled, corrected or mixed values, or logarithms of a part of the genes"
        )
        remedy = "give the raw counts, or the logarithms of all genes"
        if self.base == "2":
            found = "logarithms to the base 2"
            remedy = "multiply them by 0.6931 (log 2), or give the raw counts"
        elif self.one_total:
            found, remedy = (
                "normalised values, no logarithms",
                "take log1p of them, or give the raw counts",
            )
        raise InputError(
            f"{self._where}: fractions up to {self.largest:g}, no natural logarithms of normalised counts (sums of "
            f"expm1 over a cell's genes: {natural.least:.4g} to {natural.largest:.4g}): {found}",
            _EXPECTED,
            remedy,
        )


def round_corrected(counts: sp.spmatrix, where: str) -> sp.csr_matrix:
    """Round counts that were corrected for ambient RNA to whole numbers, cells x genes.

    Raises
    ------
    InputError
        If values may be something else than corrected counts: logarithms end below 20 and are not told from the counts
        of a shallow matrix; normalised values have one total in all cells.
    """
    matrix = sp.csr_matrix(counts)
    if is_whole(matrix.data):
        return matrix

    scale = ScaleOf(where)
    scale.add(matrix)
    what = f"{where}: fractions up to {scale.largest:g}"
    if scale.largest <= LARGEST_LOG:
        raise InputError(
            f"{what}, which may be logarithms",
            f"corrected counts, some above {LARGEST_LOG:g}, as prep.counts is round",
            "name the counts behind the path (file.h5ad:layers/<name>, file.h5ad:raw), or round them yourself",
        )
    if scale.one_total:
        raise InputError(
            f"{what}, with one total in all cells: normalised values",
            "corrected counts, as prep.counts is round",
            "name the counts behind the path (file.h5ad:layers/<name>, file.h5ad:raw)",
        )

    rounded = matrix.copy()
    rounded.data = np.rint(matrix.data)
    rounded.eliminate_zeros()
    log.warning(
        "%s: values are rounded (prep.counts): %d of %d stay above 0, the total goes from %.0f to %.0f",
        where,
        rounded.nnz,
        np.count_nonzero(matrix.data),
        matrix.sum(),
        rounded.sum(),
    )
    return rounded


def _nearly_whole(values: np.ndarray) -> bool:
    absolute, relative = _WHOLE
    return bool(
        (np.abs(values - np.round(values)) <= absolute + relative * values).all()
    )
