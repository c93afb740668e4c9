"""Value tokens kept on disk: the same batches, no expression read again, damage and races survived."""

import logging
import multiprocessing
import os
import re
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

from grnformer.core.errors import InputError
from grnformer.data import token_cache
from grnformer.data.batches import Cells, StepBatches, load
from grnformer.data.cells import CellStore
from grnformer.data.split import split_cells
from grnformer.data.token_cache import name_tokens, open_cache
from grnformer.infer.evaluate import heldout_batches
from grnformer.model.backbones import BACKBONES
from grnformer.train.pretrain import _key, pretrain

TOKENS = {
    "scgpt": {"n_bins": 20, "expressed_fraction": 0.5},
    "geneformer": {"medians": list(np.linspace(0.5, 2, 40))},
    "scfoundation": {"expressed_fraction": 0.5},
}
FIELDS = ("gene_BL", "value_BL", "masked_BL", "active_BK", "type_B", "present_BL", "depth_B")


def source_of(store, graph, backbone="scgpt", folder=None, **changed):
    settings = TOKENS[backbone] | changed
    tokeniser = BACKBONES[backbone].tokeniser(**settings)
    cells = Cells(store, graph, ["A", "B"], tokeniser, n_tokens=24, mask_fraction=0.3)
    if folder is not None:
        cells.keep_tokens(folder, store.digest(), settings)
    return cells


def draw(source, workers=0):
    sizes = {"batch_size": 16, "block_cells": 20, "held_blocks": 2}
    batches = StepBatches(source, np.arange(0, 160, 2), **sizes, n_steps=7, seed=1)
    drawn = [parts.batches[0] for _, parts in load(batches, 7, workers, pinned=False)]
    return drawn + heldout_batches(source, np.arange(1, 160, 9), batch_size=8, repeats=2, seed=1)


def assert_same(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        for name in FIELDS:
            a, b = getattr(one, name), getattr(other, name)
            assert (a is None) == (b is None)
            if a is not None:
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)


def no_read(*_):
    raise AssertionError("expression was read")


@pytest.fixture
def data(cells):
    """Rewrite the cells with the genes of each row in any order, as files may have them."""
    path, data, *_ = cells
    shuffled, rng = data.X.copy(), np.random.default_rng(3)
    for start, end in zip(shuffled.indptr[:-1], shuffled.indptr[1:], strict=True):
        order = rng.permutation(end - start)
        shuffled.indices[start:end] = shuffled.indices[start:end][order]
        shuffled.data[start:end] = shuffled.data[start:end][order]
    shuffled.has_sorted_indices = False
    data.X = shuffled
    data.write_h5ad(path)
    return path


@pytest.mark.parametrize("mode", ["hybrid", "none"])
@pytest.mark.parametrize("backbone", TOKENS)
def test_batches_are_the_same_bit_for_bit(data, bundle_of, tmp_path, backbone, mode, monkeypatch):
    graph = bundle_of(mode).graph
    with CellStore(data, graph.genes["gene"].tolist()) as store:
        made = draw(source_of(store, graph, backbone))
        assert_same(made, draw(source_of(store, graph, backbone, tmp_path / "kept")))
        assert len(list((tmp_path / "kept").iterdir())) == 1
        monkeypatch.setattr(CellStore, "read", no_read)
        if mode == "none":
            monkeypatch.setattr(CellStore, "read_all", no_read)  # no graph of a cell is told from its genes
        kept = source_of(store, graph, backbone, tmp_path / "kept")
        assert_same(made, draw(kept))
        assert kept.values(np.array([3, 4, 90])).dtype == np.float32
        kept._kept = None
        with pytest.raises(AssertionError, match="expression was read"):
            kept.values(np.arange(3))


def test_worker_processes_read_it(data, bundle_of, tmp_path):
    graph = bundle_of("hybrid").graph
    with CellStore(data, graph.genes["gene"].tolist()) as store:
        assert_same(draw(source_of(store, graph)), draw(source_of(store, graph, folder=tmp_path / "kept"), 2))


def test_other_tokens_have_another_cache(data, bundle_of, tmp_path):
    graph = bundle_of("hybrid").graph
    names = graph.genes["gene"].tolist()
    with CellStore(data, names) as store, CellStore(data, names, counts=True) as counts:
        for one, changed in ((store, {}), (store, {"n_bins": 5}), (counts, {}), (store, {})):
            plain, kept = source_of(one, graph, **changed), source_of(one, graph, folder=tmp_path, **changed)
            np.testing.assert_array_equal(plain.values(np.arange(9)).toarray(), kept.values(np.arange(9)).toarray())
        assert len([path for path in tmp_path.iterdir() if len(path.name) == 16]) == 3
        renamed = ad.read_h5ad(data)
        renamed.var_names = renamed.var_names[::-1]
        renamed.write_h5ad(tmp_path / "renamed.h5ad")
        with CellStore(tmp_path / "renamed.h5ad", names) as other:
            assert other.digest() == store.digest()
            kept = source_of(other, graph, folder=tmp_path)
            plain = source_of(other, graph)
            np.testing.assert_array_equal(plain.values(np.arange(9)).toarray(), kept.values(np.arange(9)).toarray())


BLOCKS = [sp.random(5, 9, 0.5, "csr", kind, np.random.default_rng(1)) for kind in (np.float32, np.float32)]


@pytest.mark.parametrize("rows", [[0], [9], [0, 1, 2], [1, 3, 4, 8], list(range(10))])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_rows_and_their_dtype_come_back(tmp_path, rows, kind):
    whole = sp.vstack(BLOCKS, "csr")
    whole = sp.csr_matrix((np.arange(whole.nnz).astype(kind), whole.indices, whole.indptr), shape=whole.shape)
    for _ in range(2):
        found = open_cache(tmp_path, "x", 9, lambda: iter([whole[:5], whole[5:]])).read(np.array(rows))
        assert found.dtype == kind
        np.testing.assert_array_equal(found.toarray(), whole[rows].toarray())


def test_cells_without_a_value_are_kept(tmp_path):
    empty = sp.csr_matrix((4, 9), dtype=np.float32)
    assert open_cache(tmp_path, "x", 9, lambda: [empty]).read(np.array([1, 3])).shape == (2, 9)


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[-2] ^= 1
    path.write_bytes(raw)


DAMAGE = {
    "flipped": ("data.npy changed", lambda path: flip(path / "data.npy")),
    "short": ("indices.npy changed", lambda path: os.truncate(path / "indices.npy", 140)),
    "lost": ("no file at|No such file", lambda path: (path / "indptr.npy").unlink()),
    "about": ("crc32|token_cache", lambda path: (path / "about.json").write_text("{}")),
    "garbled": ("Expecting", lambda path: (path / "about.json").write_text("?")),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_cache_is_named_and_written_anew(tmp_path, caplog, kind):
    said, damage = DAMAGE[kind]
    caplog.set_level(logging.WARNING, "grnformer.train")
    open_cache(tmp_path, "x", 9, lambda: BLOCKS)
    damage(tmp_path / "x")
    found = open_cache(tmp_path, "x", 9, lambda: BLOCKS).read(np.arange(10))
    assert caplog.messages[0].startswith(f"the cache of value tokens {tmp_path / 'x'} is damaged")
    assert re.search(said, caplog.text)
    np.testing.assert_array_equal(found.toarray(), sp.vstack(BLOCKS).toarray())
    caplog.clear()
    open_cache(tmp_path, "x", 9, no_read)
    assert not caplog.messages


def write_at_once(folder, begin, found):
    def slowly():
        for block in BLOCKS:
            begin.wait()  # both write at the same time
            yield block

    found.put(open_cache(folder, "x", 9, slowly).read(np.arange(10)).toarray())


def test_of_two_writers_the_second_takes_what_the_first_wrote(tmp_path):
    fork = multiprocessing.get_context("fork")
    begin, found = fork.Barrier(2), fork.Queue()
    both = [fork.Process(target=write_at_once, args=(tmp_path, begin, found)) for _ in range(2)]
    for process in both:
        process.start()
    for _ in both:
        np.testing.assert_array_equal(found.get(timeout=60), sp.vstack(BLOCKS).toarray())
    for process in both:
        process.join()
        assert process.exitcode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_writer_that_fails_leaves_nothing_and_is_told(tmp_path):
    def breaks():
        yield BLOCKS[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        open_cache(tmp_path / "kept", "x", 9, breaks)
    assert not list((tmp_path / "kept").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"pretrain\.token_cache"):
        open_cache(tmp_path / "file", "x", 9, lambda: BLOCKS)


def test_pages_that_were_read_are_let_go(tmp_path):
    """Resident memory counts mapped pages: 64 MB read, and not held."""
    block = sp.csr_matrix(np.ones((1000, 1000), np.float32))
    cache = open_cache(tmp_path, "x", 1000, lambda: [block] * 8)

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    cache.read(np.arange(100))
    before = resident()
    for first in range(0, 8000, 100):
        cache.read(np.arange(first, first + 100))
    assert resident() < before + 16


def test_names_differ_by_what_tokens_follow_from(monkeypatch):
    assert name_tokens(genes=["a", "b"]) == name_tokens(genes=["a", "b"]) != name_tokens(genes=["b", "a"])
    first = name_tokens(genes=["a"])
    monkeypatch.setattr(token_cache, "VERSION", token_cache.VERSION + 1)
    assert name_tokens(genes=["a"]) != first


def test_training_is_the_same_with_it(cells, bundle_of, settings, tmp_path, monkeypatch):
    path, data, *_ = cells
    bundle, split = bundle_of("none"), split_cells(data.obs, heldout_fraction=0.25, seed=1)
    arm = {"graph": "none", "adapter": False, "perturbation": "none"}
    options = {"model_seed": 1, "threads": 1, "checkpoint": None, "medians": None}
    done = []
    monkeypatch.chdir(tmp_path)
    for number, folder in enumerate((None, "kept", "kept")):
        settings["token_cache"] = folder
        with CellStore(path, bundle.graph.genes["gene"].tolist()) as store:
            done.append(pretrain(store, split, bundle, arm, settings, checkpoints=tmp_path / str(number), **options))
        monkeypatch.setattr(CellStore, "read_all", no_read if number else CellStore.read_all)
    for other in done[1:]:
        assert other.card == done[0].card
        assert other.heldout == done[0].heldout
        assert other.reference.equals(done[0].reference)
        np.testing.assert_array_equal(other.curve["loss"], done[0].curve["loss"])
    assert len(list((tmp_path / "kept").iterdir())) == 1
    assert _key(done[0].card, settings | {"token_cache": None}, "code") == _key(done[0].card, settings, "code")
