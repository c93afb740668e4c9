"""From expression to tokens: bins, ranks and depth within a cell; a sample of its genes, or the highest of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp


def _spans(matrix: sp.csr_matrix) -> Iterator[slice]:
    """Where the stored values of each row stand."""
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        yield slice(start, end)


def _with_values(matrix: sp.csr_matrix, values: np.ndarray) -> sp.csr_matrix:
    return sp.csr_matrix((values, matrix.indices, matrix.indptr), shape=matrix.shape)


def bin_values(expression: sp.csr_matrix, n_bins: int) -> sp.csr_matrix:
    """Replace each non-zero value by its quantile bin among the non-zero values of its row, as a fraction of `n_bins`.

    Only ranks matter, so any scale will do. Equal values share one bin (that of their middle rank), where scGPT takes
    one at random: most counts of a shallow cell are 1, and chance would make a gradient of them.

    Returns
    -------
    CSR of the same shape, float32, values in {1/n_bins, ..., 1}; stored zeros are dropped.
    """
    expression = sp.csr_matrix(expression, copy=True)
    expression.eliminate_zeros()

    # Ranks count from 1: no bin is 0, which means not expressed.
    n_values = np.repeat(np.diff(expression.indptr), np.diff(expression.indptr))
    quantile = _middle_ranks(expression) / n_values
    binned = (np.ceil(quantile * n_bins) / n_bins).astype(np.float32)
    return _with_values(expression, binned)


def _middle_ranks(matrix: sp.csr_matrix) -> np.ndarray:
    """Rank of each stored value among those of its row, from 1; equal values share their middle rank."""
    # Rows are sorted one by one, all else is done at once: most rows are short.
    order = np.empty(matrix.nnz, np.int64)
    for span in _spans(matrix):
        order[span] = span.start + np.argsort(matrix.data[span])
    value = matrix.data[order]

    # A run of equal values begins where a row does, or where the value changes.
    begins = np.ones(len(value), bool)
    begins[1:] = value[1:] != value[:-1]
    row_starts = matrix.indptr[:-1][np.diff(matrix.indptr) > 0]
    begins[row_starts] = True
    first = np.flatnonzero(begins)
    length = np.diff(first, append=len(value))

    row_of_run = np.repeat(matrix.indptr[:-1], np.diff(matrix.indptr))[first]
    ranks = np.empty(len(value))
    ranks[order] = np.repeat(first - row_of_run + (length + 1) / 2, length)
    return ranks


def draw_tokens(
    values: sp.csr_matrix,
    n_tokens: int,
    expressed_fraction: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Sample `n_tokens` genes of each row without replacement: a fraction of them expressed, the rest not.

    Where there are too few of one kind, the other fills up: every row has the same number and none is padded.

    Returns
    -------
    gene, value
        (rows, n_tokens) each; int64 column numbers, float32 values (0 if not expressed).
    """
    n_rows, n_genes = values.shape
    gene = np.empty((n_rows, n_tokens), np.int64)
    value = np.zeros((n_rows, n_tokens), np.float32)

    for row, span in enumerate(_spans(values)):
        expressed = values.indices[span]
        n_expressed = expressed_tokens(
            len(expressed), n_genes, n_tokens, expressed_fraction
        )
        chosen = rng.permutation(len(expressed))[:n_expressed]

        silent = np.ones(n_genes, bool)
        silent[expressed] = False
        others = rng.permutation(np.flatnonzero(silent))[: n_tokens - n_expressed]

        # Expressed genes first: their values fill the front, the rest stay 0.
        gene[row] = np.concatenate([expressed[chosen], others])
        value[row, :n_expressed] = values.data[span][chosen]
    return gene, value


def cell_depth(values: sp.csr_matrix) -> np.ndarray:
    """Counts of each cell, computed from log1p of its counts per 10,000: the least value above 0 is one count.

    Exact where a cell has a gene with one count, as all but the deepest have; 10,000 where nothing is expressed.
    """
    # log1p of 1: an empty row comes to 10,000.
    least = np.full(values.shape[0], np.log(2.0))
    # reduceat would give an empty row the first value of the next one.
    filled = np.flatnonzero(np.diff(values.indptr))
    if len(filled):
        least[filled] = np.minimum.reduceat(values.data, values.indptr[filled])
    return np.maximum(10_000 / np.expm1(least), 1.0)


def rank_values(expression: sp.csr_matrix, medians: np.ndarray) -> sp.csr_matrix:
    """Rank of each value above 0 in its row after division by the gene's median, as a fraction: 1 the highest.

    Parameters
    ----------
    expression
        log1p of counts scaled per cell, rows x N.
    medians
        (N,), each gene's median among its scaled counts above 0 (Theodoris et al., doi 10.1038/s41586-023-06139-9).

    Returns
    -------
    CSR of the same shape, float32; equal values rank by gene number, first the higher.
    """
    expression = sp.csr_matrix(expression, copy=True)
    expression.eliminate_zeros()
    # Sorted genes and a stable sort: equal values then rank by gene number, whatever the order in the file.
    expression.sort_indices()
    scaled = np.expm1(expression.data.astype(np.float64)) / medians[expression.indices]
    # Processors differ in the last bit of expm1, which must not part equal values.
    scaled = scaled.astype(np.float32)

    ranked = np.empty(expression.nnz, np.float32)
    for span in _spans(expression):
        # A view: what is set in it is set in `ranked`.
        of_row = ranked[span]
        order = np.argsort(-scaled[span], kind="stable")
        of_row[order] = np.arange(len(order), 0, -1) / max(len(order), 1)
    return _with_values(expression, ranked)


def highest_tokens(
    values: sp.csr_matrix, n_tokens: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `n_tokens` highest values of each row, first the highest; what a row lacks is padded.

    Returns
    -------
    gene, value, present
        (rows, L) each, L the most that any row has (at least 1); gene and value are 0 where not present.
    """
    counts = np.minimum(np.diff(values.indptr), n_tokens)
    length = max(int(counts.max(initial=0)), 1)
    gene = np.zeros((len(counts), length), np.int64)
    value = np.zeros((len(counts), length), np.float32)

    for row, span in enumerate(_spans(values)):
        count = counts[row]
        # Stable: among equal values those stored first are taken, on every machine.
        order = np.argsort(-values.data[span], kind="stable")[:count]
        gene[row, :count] = values.indices[span][order]
        value[row, :count] = values.data[span][order]

    present = np.arange(length) < counts[:, None]
    return gene, value, present


def expressed_blocks(
    values: sp.csr_matrix, n_tokens: int
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Every value above 0 of each row once, in blocks of at most `n_tokens` of a row; nothing is drawn.

    A row's blocks differ by one token at most in length, and genes are dealt out to them in turn, so that each block is
    like the others. Where a row's blocks end depends on that row alone.

    Returns
    -------
    A block's gene, value, present, (rows, L) each; a row with fewer blocks than others has no token in the last ones.
    """
    counts = np.diff(values.indptr)
    blocks_of = np.maximum(-(-counts // n_tokens), 1)

    made = []
    for number in range(int(blocks_of.max(initial=1))):
        # Every so many-th value of a row; none, where the row has fewer blocks.
        dealt = [
            np.arange(span.start + number, span.stop if number < step else 0, step)
            for span, step in zip(_spans(values), blocks_of, strict=True)
        ]
        sizes = np.array([len(places) for places in dealt])
        present = np.arange(max(int(sizes.max(initial=0)), 1)) < sizes[:, None]

        taken = np.concatenate(dealt)
        gene = np.zeros(present.shape, np.int64)
        value = np.zeros(present.shape, np.float32)
        gene[present] = values.indices[taken]
        value[present] = values.data[taken]
        made.append((gene, value, present))
    return made


def expressed_tokens(
    n_expressed: int, n_genes: int, n_tokens: int, expressed_fraction: float
) -> int:
    """How many of a row's tokens are expressed genes."""
    wanted = min(n_expressed, round(n_tokens * expressed_fraction))
    n_silent = n_genes - n_expressed
    # Where too few genes are silent, expressed ones make up the number.
    return max(wanted, n_tokens - n_silent)


def token_weights(
    values: sp.csr_matrix, n_tokens: int, expressed_fraction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Probability of an expressed gene, and of one that is not, to be among the tokens of each row; (rows,) each."""
    n_genes = values.shape[1]
    counts = np.diff(values.indptr)
    taken = np.array(
        [
            expressed_tokens(int(count), n_genes, n_tokens, expressed_fraction)
            for count in counts
        ]
    )

    # A row without genes of one kind takes none of them: 0 / 1.
    of_expressed = taken / np.maximum(counts, 1)
    of_silent = (n_tokens - taken) / np.maximum(n_genes - counts, 1)
    return of_expressed, of_silent
