"""Occupancy of motifs by words of four bases: a site's odds are the product of a few looked-up numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

#: Motifs that are looked up at once: their odds of a word lie side by side, so that the compiler makes vectors of them.
AT_ONCE = 32

_WORD = 4  # bases
_LETTERS = 5  # four bases, and one that is unknown
_FAST = (3, 6)  # words of a motif


def make_words(codes: np.ndarray, longest: int) -> np.ndarray:
    """Number the word of four bases at each place of each sequence.

    Parameters
    ----------
    codes
        (sequences, bases), int8: A, C, G, T are 0 to 3, -1 is unknown.
    longest
        Bases of the longest motif; a third of it stands before the sequence, as sites may overlap its ends.

    Returns
    -------
    (sequences, bases + padding), uint16 below 625.
    """
    before, after = longest // 3, longest // 3 + longest + _WORD * max(_FAST)
    padded = np.pad(codes, ((0, 0), (before, after)), constant_values=-1)
    letters = np.where(padded < 0, _LETTERS - 1, padded).astype(np.uint16)

    n_words = letters.shape[1] - _WORD + 1
    words = np.zeros((len(codes), n_words), dtype=np.uint16)
    for place in range(_WORD):
        words = words * _LETTERS + letters[:, place : place + n_words]
    return words


def occupancies(
    odds: Sequence[np.ndarray], words: np.ndarray, longest: int, n_bases: int
) -> np.ndarray:
    """Log of motifs' odds summed over the places and both strands of each sequence.

    Parameters
    ----------
    odds
        (positions, bases) of each motif: probability over background, above 0; at most AT_ONCE, of one length.
    words, longest
        Of `make_words`.
    n_bases
        Of the sequences, without padding.

    Returns
    -------
    (motifs, sequences), float32.
    """
    length = len(odds[0])
    overlap = length // 3
    first = longest // 3 - overlap
    n_places = n_bases + 2 * overlap - length + 1
    # of both strands, one after the other; bases in the order A, C, G, T reversed are their complements
    tables = np.ones((_n_tables(length), _LETTERS**_WORD, 2, AT_ONCE), np.float32)
    for number, motif in enumerate(odds):
        forward, reverse = _table(motif), _table(motif[::-1, ::-1])
        tables[: len(forward), :, 0, number] = forward
        tables[: len(reverse), :, 1, number] = reverse
    tables = tables.reshape(len(tables), -1, 2 * AT_ONCE)
    total = _sum_of_places(words, tables, first, n_places)[:, : len(odds)].T

    # a site of which nothing fits may be too small a number
    return np.log(np.maximum(total, np.finfo(np.float64).tiny)).astype(np.float32)


def _n_tables(length: int) -> int:
    """Words of a motif, filled up to a number that the kernel has a fast loop for."""
    n_words = -(-length // _WORD)
    return next((n for n in _FAST if n_words <= n), n_words)


def _table(odds: np.ndarray) -> np.ndarray:
    """Odds of each word at each four positions of a motif, as (words of the motif, 625)."""
    n_words = -(-len(odds) // _WORD)
    # beyond the motif's end, and for an unknown base, odds are even
    filled = np.ones((n_words * _WORD, _LETTERS))
    filled[: len(odds), : _LETTERS - 1] = odds

    first, second, third, fourth = filled.reshape(n_words, _WORD, _LETTERS).swapaxes(
        0, 1
    )
    product = np.einsum("wa,wb,wc,wd->wabcd", first, second, third, fourth)
    return product.reshape(n_words, -1)


@njit(cache=True)
def _sum_of_places(
    words: np.ndarray, tables: np.ndarray, first: int, n_places: int
) -> np.ndarray:
    """Odds summed over `n_places` places from the word `first` on, and both strands, (sequences, motifs).

    Words are multiplied from the first to the last in all three loops: without a loop over them, vectors stay in
    registers.
    """
    total = np.zeros((len(words), AT_ONCE))
    summed = np.empty(AT_ONCE)
    product = np.empty(2 * AT_ONCE, np.float32)
    n_words = len(tables)
    for row in range(len(words)):
        sequence = words[row, first:]
        summed[:] = 0
        for place in range(n_places):
            a = tables[0, sequence[place]]
            b = tables[1, sequence[place + 4]]
            c = tables[2, sequence[place + 8]]
            if n_words == 3:
                for one in range(AT_ONCE):
                    other = one + AT_ONCE
                    summed[one] += (
                        a[one] * b[one] * c[one] + a[other] * b[other] * c[other]
                    )
                continue

            d = tables[3, sequence[place + 12]]
            e = tables[4, sequence[place + 16]]
            f = tables[5, sequence[place + 20]]
            if n_words == 6:
                for one in range(AT_ONCE):
                    other = one + AT_ONCE
                    summed[one] += (
                        a[one] * b[one] * c[one] * d[one] * e[one] * f[one]
                        + a[other]
                        * b[other]
                        * c[other]
                        * d[other]
                        * e[other]
                        * f[other]
                    )
                continue

            for one in range(2 * AT_ONCE):
                product[one] = a[one] * b[one] * c[one] * d[one] * e[one] * f[one]
            for word in range(6, n_words):
                a = tables[word, sequence[place + word * 4]]
                for one in range(2 * AT_ONCE):
                    product[one] *= a[one]
            for one in range(AT_ONCE):
                summed[one] += product[one] + product[one + AT_ONCE]
        total[row] = summed
    return total
