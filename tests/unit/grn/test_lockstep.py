"""Boosting in lockstep: the same bits by vectors and plainly, beside any other targets, on any instruction set."""

import hashlib
import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from grnformer.grn.tf_gene.lockstep import compiled
from grnformer.grn.tf_gene.lockstep.compiled import boost
from grnformer.grn.tf_gene.lockstep.entries import ZERO, sort_entries
from grnformer.grn.tf_gene.lockstep.settings import Boosting, Targets

ALL = np.arange(50)


def run(
    matrix: np.ndarray, n_tf: int, columns: np.ndarray, *, vectors: bool = True, bins: int = 16, tile: int = 8192,
    trees: int = 60, seed: int = 1, subsample: float = 0.9, max_features: float = 0.2, learning_rate: float = 0.1,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Gains and numbers of trees for the targets `columns`; the TFs are the first columns."""
    targets = sp.csc_matrix(matrix[:, columns].astype(np.float32))
    return boost(
        sort_entries(sp.csc_matrix(matrix[:, :n_tf]), bins, tile),
        Targets(
            targets.indptr.astype(np.int64),
            targets.indices.astype(np.int32),
            targets.data,
            np.where(columns < n_tf, columns, -1).astype(np.int64),
        ),
        Boosting(learning_rate, trees, max_features, subsample, np.uint64(seed)),
        vectors=vectors,
    )


def make(n_cells: int = 150, n_genes: int = 50) -> np.ndarray:
    """Log1p counts that depend on one another."""
    rng = np.random.default_rng(3)
    factors = rng.standard_normal((n_cells, 6)) @ rng.standard_normal((6, n_genes))
    return np.log1p(rng.poisson(np.exp(0.6 * factors - 0.3)))


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    return make()


def assert_equal(one: tuple, other: tuple) -> None:
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"seed": 2, "bins": 3, "learning_rate": 0.01},
        # tiles of 64 cells; one TF a split, so that often none of the quota splits a node; all cells
        {"tile": 64, "max_features": 0.01},
        {"subsample": 1 - 1e-9, "max_features": 1.0, "trees": 5},
    ],
    ids=["plain", "few bins", "tiles", "all TFs"],
)
def test_vectors_compute_what_the_plain_kernel_does(matrix, changed) -> None:
    in_vectors = run(matrix, 12, ALL, **changed)
    assert (in_vectors[0].sum(axis=1) > 0).all()
    assert_equal(in_vectors, run(matrix, 12, ALL, vectors=False, **changed))


def test_a_target_does_not_depend_on_those_beside_it(matrix) -> None:
    gains, n_trees = run(matrix, 12, ALL)
    assert len(set(n_trees)) > 3  # lanes are taken over by others, at different trees
    for some in (ALL[::-1], ALL[7:8], ALL[5:40:3]):
        assert_equal(run(matrix, 12, some), (gains[some], n_trees[some]))


def test_tiles_of_cells_change_nothing(matrix) -> None:
    assert_equal(run(matrix, 12, ALL, tile=32), run(matrix, 12, ALL))


@pytest.mark.parametrize("vectors", [True, False])
def test_odd_targets_end_as_they_should(matrix, vectors) -> None:
    """All zeros, a constant, one cell above 0, its own TF, the same values as another, values of two TFs tied."""
    odd = matrix.copy()
    odd[:, 20], odd[:, 21], odd[:, 22] = 0, 2.5, 0
    odd[9, 22] = 1.0
    odd[:, 24] = odd[:, 23]
    odd[:, 1] = odd[:, 0]
    gains, n_trees = run(odd, 12, ALL, vectors=vectors)
    assert not n_trees[[20, 21]].any()
    assert not gains[[20, 21]].any()
    assert n_trees[22] >= 25
    np.testing.assert_array_equal(gains[24], gains[23])
    assert not gains[np.arange(12), np.arange(12)].any()
    assert np.isfinite(gains).all()
    # of equal cuts the TF that is drawn first is taken: both have their share
    assert (gains[2:, :2].sum(axis=0) > 0).all()


def test_fewer_cells_than_the_window_has_trees_are_boosted(matrix) -> None:
    few = matrix[:12]
    found = run(few, 12, ALL)
    assert (found[1][few.std(axis=0) > 0] >= 25).all()
    assert_equal(found, run(few, 12, ALL, vectors=False))
    two = run(matrix[:2], 12, ALL)
    assert_equal(two, run(matrix[:2], 12, ALL, vectors=False))


def test_tfs_without_a_value_explain_nothing(matrix) -> None:
    empty = matrix.copy()
    empty[:, :12] = 0
    gains, _ = run(empty, 12, ALL)
    assert not gains.any()
    empty[:, 3] = matrix[:, 3]
    gains, _ = run(empty, 12, ALL)
    assert gains[12:, 3].all()
    assert not np.delete(gains, 3, axis=1).any()


def test_a_target_that_one_tf_splits_gains_what_the_split_takes_off() -> None:
    """One tree, all TFs, all cells: the first cut of a target that is a TF's 0 and 1 explains it all."""
    rng = np.random.default_rng(0)
    tf = (rng.random(200) < 0.3).astype(float)
    gains, n_trees = run(
        np.column_stack([tf, 3 * tf]), 1, np.array([1]), trees=1, subsample=1 - 1e-9,
        max_features=1.0, learning_rate=1.0,
    )  # fmt: skip
    assert n_trees[0] == 1
    assert gains[0, 0] == pytest.approx(1, abs=0.02)  # residuals are whole 120ths


def test_where_vectors_do_not_compile_the_plain_kernel_is_taken(
    monkeypatch, caplog
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such vector\nand more")

    monkeypatch.setattr(compiled, "boost", fail)
    with caplog.at_level("WARNING"):
        assert not compiled.vectors_compile.__wrapped__()
    assert (
        "RuntimeError: no such vector): targets are boosted one by one" in caplog.text
    )


def test_entries_are_sorted_by_tile_tf_and_bin() -> None:
    columns = np.array(
        [[0, 3.0, 1, 2, 3, 0, 5], [0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 2]]
    ).T
    tfs = sort_entries(sp.csc_matrix(columns), 10, tile=4)
    assert tfs.bin_start.tolist() == [0, 4, 4, 5]
    assert tfs.tf_of_bin.tolist() == [0, 0, 0, 0, 2]
    assert tfs.cell.tolist() == [1, 3, 2, 0, 6, 4, 6]
    assert tfs.start.tolist() == [[0, 3, 3], [4, 6, 6]]
    assert tfs.bin_stop.tolist() == [[0, 1, 2, 3, 4], [5, 6, 6, 6, 7]]
    z = ZERO
    assert tfs.bin_of_cell[0, :8].tolist() == [z, 1, 3, 2, 1, z, 0, z]
    assert tfs.bin_of_cell.shape == (3, 32)


def test_many_values_are_binned_by_number_of_cells() -> None:
    values = np.append(np.arange(1.0, 101), np.full(60, 7.0))[:, None]
    tfs = sort_entries(sp.csc_matrix(values), 8)
    column = tfs.bin_of_cell[0, :160]
    assert (np.diff(column[:100].astype(int)) <= 0).all()  # higher values, lower bins
    assert len(set(column[100:])) == 1
    sizes = np.bincount(column)
    assert len(sizes) <= 8
    assert np.sort(sizes)[:-1].max() <= 40


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="names of x86 processors")
def test_instruction_sets_give_the_same_bits() -> None:
    """SSE2, AVX2 and what this machine has; numpy without its own."""
    seen = set()
    for name in ("", "x86-64", "haswell"):
        changed = {"NUMBA_CPU_NAME": name, "NPY_DISABLE_CPU_FEATURES": "X86_V3"}
        environment = {**os.environ, **(changed if name else {})}
        done = subprocess.run(
            [sys.executable, __file__],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        seen.add(done.stdout)
    assert len(seen) == 1


if __name__ == "__main__":
    gains, n_trees = run(make(), 12, ALL)
    sys.stdout.write(
        hashlib.sha256(gains.tobytes() + n_trees.tobytes()).hexdigest() + "\n"
    )
