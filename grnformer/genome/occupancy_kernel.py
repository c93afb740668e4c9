"""Occupancy of a motif by words of four bases: a site's odds are the product of a few looked-up numbers."""

from __future__ import annotations

import numpy as np
from numba import njit

_WORD = 4  # bases
_LETTERS = 5  # four bases, and one that is unknown
_AT_ONCE = (
    3  # words multiplied in one pass; motifs are filled up to a whole number of them
)
_STEP = _WORD * _AT_ONCE


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
    before, after = longest // 3, longest // 3 + longest + _STEP
    padded = np.pad(codes, ((0, 0), (before, after)), constant_values=-1)
    letters = np.where(padded < 0, _LETTERS - 1, padded).astype(np.uint16)

    n_words = letters.shape[1] - _WORD + 1
    words = np.zeros((len(codes), n_words), dtype=np.uint16)
    for place in range(_WORD):
        words = words * _LETTERS + letters[:, place : place + n_words]
    return words


def occupancy(
    odds: np.ndarray, words: np.ndarray, longest: int, n_bases: int
) -> np.ndarray:
    """Log of a motif's odds summed over the places and both strands of each sequence.

    Parameters
    ----------
    odds
        (positions, bases) of the motif: probability over background, above 0.
    words, longest
        Of `make_words`.
    n_bases
        Of the sequences, without padding.

    Returns
    -------
    (sequences,), float32.
    """
    length = len(odds)
    overlap = length // 3
    first = longest // 3 - overlap
    n_places = n_bases + 2 * overlap - length + 1
    # bases in the order A, C, G, T reversed are their complements
    strands = _tables(odds), _tables(odds[::-1, ::-1])
    total = _sum_of_places(words, *strands, first, n_places)

    # a site of which nothing fits may be too small a number
    return np.log(np.maximum(total, np.finfo(np.float64).tiny)).astype(np.float32)


def _tables(odds: np.ndarray) -> np.ndarray:
    """Odds of each word at each four positions of a motif, as (words of the motif, 625), float32."""
    n_words = -(-len(odds) // _STEP) * _AT_ONCE
    # beyond the motif's end, and for an unknown base, odds are even
    filled = np.ones((n_words * _WORD, _LETTERS))
    filled[: len(odds), : _LETTERS - 1] = odds

    first, second, third, fourth = filled.reshape(n_words, _WORD, _LETTERS).swapaxes(
        0, 1
    )
    product = np.einsum("wa,wb,wc,wd->wabcd", first, second, third, fourth)
    return product.reshape(n_words, -1).astype(np.float32)


@njit(cache=True, fastmath=True)
def _sum_of_places(
    words: np.ndarray,
    forward: np.ndarray,
    reverse: np.ndarray,
    first: int,
    n_places: int,
) -> np.ndarray:
    """Odds summed over `n_places` places from the word `first` on, and both strands, (sequences,)."""
    total = np.zeros(len(words))
    one = np.empty(n_places, np.float32)
    other = np.empty(n_places, np.float32)
    for row in range(len(words)):
        sequence = words[row, first:]
        one[:] = 1
        other[:] = 1
        # three at once, without a loop over them: the compiler makes vectors of the places
        for word in range(0, len(forward), 3):
            at = word * 4
            for place in range(n_places):
                a = sequence[place + at]
                b = sequence[place + at + 4]
                c = sequence[place + at + 8]
                one[place] *= (
                    forward[word, a] * forward[word + 1, b] * forward[word + 2, c]
                )
                other[place] *= (
                    reverse[word, a] * reverse[word + 1, b] * reverse[word + 2, c]
                )
        for place in range(n_places):
            total[row] += one[place] + other[place]
    return total
