"""Wrong input stops before any long work, with one clear message: what was found, what was expected, how to mend it."""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import yaml

from grnformer.core.errors import InputError
from grnformer.prep.sample import load_sample
from grnformer.settings.read import complete
from grnformer.simulate.multiome import Simulation

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
CONFIG = complete({})


def refused(run, *, found: str) -> None:
    """The terminal shows one message, in the usual three parts, and no traceback."""
    assert run.status != 0
    for part in ("Found: ", "Expected: ", "To mend it: "):
        assert run.terminal.count(part) == 1, run.terminal
    assert re.search(found, run.terminal), run.terminal
    assert "Traceback" not in run.terminal


@pytest.fixture
def place(make_workplace, small_data: Path, tmp_path: Path) -> Callable[..., Any]:
    """A workplace on the small dataset, with changes of its scenario."""

    def make(**changes: object):
        return make_workplace(tmp_path / "work", small_data / "config.yaml", **changes)

    return make


def sheet(small_data: Path, target: Path, **changes: str | None) -> str:
    """The small dataset's sheet with cells replaced, or columns dropped (None)."""
    frame = pd.read_csv(
        small_data / "samples.tsv", sep="\t", dtype=str, keep_default_na=False
    )
    for column, value in changes.items():
        frame = (
            frame.drop(columns=column)
            if value is None
            else frame.assign(**{column: value})
        )
    frame.to_csv(target, sep="\t", index=False)
    return str(target)


def registered(
    folder: Path, content: bytes, source: str, sha256: str
) -> dict[str, Any]:
    """Config changes that make the TSS table a pinned resource of `source` with hash `sha256`."""
    (folder / "original.tsv.gz").write_bytes(content)
    entry = {"source": source, "sha256": sha256, "licence": "none", "about": "TSSs"}
    shipped = yaml.safe_load((ROOT / "config" / "resources.yaml").read_text())
    (folder / "registry.yaml").write_text(
        yaml.safe_dump(shipped | {"tss.tsv.gz": entry})
    )
    return {
        "resources": {"registry": str(folder / "registry.yaml")},
        "genomes": {"simulated": {"tss": "resource:tss.tsv.gz"}},
    }


# Decided while the workflow is read: no job starts.


def test_a_missing_column(place, small_data: Path, tmp_path: Path) -> None:
    run = place(
        samples=sheet(small_data, tmp_path / "samples.tsv", genome=None)
    ).snakemake("prep")
    refused(run, found=r"Found: .*samples\.tsv .*missing \['genome'\]")
    assert run.jobs == {}


def test_an_unknown_config_key(place) -> None:
    run = place(prep={"min_cells_per_gene": 3}).snakemake("prep")
    refused(run, found="Found: in the config at prep: .*'min_cells_per_gene'")
    assert run.jobs == {}


def test_a_misspelt_path_that_no_job_of_the_target_reads(place) -> None:
    run = place(fuse={"vocabulary": "nowhere.json"}).snakemake("prep")
    refused(
        run, found=r"Found: fuse\.vocabulary in the config: no file .*nowhere\.json"
    )
    assert run.jobs == {}


# Decided by the first job: resources.


def test_a_resource_whose_hash_differs(place, small_data: Path, tmp_path: Path) -> None:
    content = (small_data / "tss.tsv.gz").read_bytes()
    source = f"path:{tmp_path / 'original.tsv.gz'}"
    run = place(**registered(tmp_path, content, source, sha256="0" * 64)).snakemake(
        "prep"
    )
    refused(
        run,
        found=f"Found: tss.tsv.gz from path:.* has SHA-256 {hashlib.sha256(content).hexdigest()}",
    )
    assert not (tmp_path / "work" / "results" / "simulated" / "prep").exists()
    assert not (tmp_path / "work" / "resources" / "tss.tsv.gz").exists()


def test_no_network_and_no_mirror(place, small_data: Path, tmp_path: Path) -> None:
    """The message says what to do; done, a run needs no network and leaves the file as it is."""
    content = (small_data / "tss.tsv.gz").read_bytes()
    far = "https://127.0.0.1:9/tss.tsv.gz"
    sha256 = hashlib.sha256(content).hexdigest()
    offline = place(**registered(tmp_path, b"", far, sha256=sha256))
    run = offline.snakemake("prep")
    refused(run, found=f"Found: tss.tsv.gz could not be fetched from {far}")
    assert re.search(
        r"To mend it: run `grnformer fetch` .*resources/tss\.tsv\.gz.*GRNFORMER_MIRROR",
        run.terminal,
    )
    assert not (tmp_path / "work" / "results" / "simulated" / "prep").exists()

    fetched = tmp_path / "work" / "resources" / "tss.tsv.gz"
    fetched.parent.mkdir(exist_ok=True)
    fetched.write_bytes(content)
    os.utime(fetched, (1, 1))
    wanted = (
        "--forcerun",
        "fetch_resource",
        "--",
        "results/simulated/prep/tss.parquet",
    )
    assert offline.must(*wanted).jobs == {"prepare_tss": 1}
    assert fetched.stat().st_mtime == 1
    fetched.touch()
    assert offline.must("--dry-run", *wanted).jobs == {}, "the same bytes"


# Decided when a sample is read: once by the command, then by the function that the rule calls.


def test_disjoint_barcodes_by_the_command(
    place, small: Simulation, small_data: Path, tmp_path: Path
) -> None:
    other = small.atac.copy()
    other.obs_names = [f"cell_{number}" for number in range(other.n_obs)]
    other.write_h5ad(tmp_path / "atac.h5ad")
    run = place(
        samples=sheet(
            small_data, tmp_path / "samples.tsv", atac=str(tmp_path / "atac.h5ad")
        )
    ).snakemake("prep")
    refused(
        run, found="ingest_sample stopped: wrong input.\nFound: .*0 of 40 RNA barcodes"
    )
    left = {
        path.name
        for path in (tmp_path / "work" / "results" / "simulated" / "prep").rglob("*")
        if path.is_file()
    }
    assert left == {"tss.parquet"}


@pytest.fixture
def load(small: Simulation, tmp_path: Path) -> Callable[..., None]:
    """Load the small sample with its RNA, its ATAC or its TSSs replaced."""

    def run(
        rna: anndata.AnnData | None = None,
        atac: anndata.AnnData | None = None,
        tss: pd.DataFrame | None = None,
    ) -> None:
        row = {"sample": "s1", "donor": "d1", "genome": "simulated", "annotation": ""}
        for name, data in (
            ("rna", small.rna if rna is None else rna),
            ("atac", small.atac if atac is None else atac),
        ):
            data.write_h5ad(tmp_path / f"{name}.h5ad")
            row[name] = str(tmp_path / f"{name}.h5ad")
        settings = {
            key: CONFIG["prep"][key]
            for key in ("min_known_genes", "min_barcode_overlap", "min_annotated")
        }
        build = CONFIG["prep"]["build"] | {"min_regions": 100}
        load_sample(row, small.tss if tss is None else tss, **settings, build=build)

    return run


def test_the_sound_sample_passes(load) -> None:
    load()


def test_barcodes_without_their_suffix_are_paired_and_told_of(
    load, small: Simulation, caplog: pytest.LogCaptureFixture
) -> None:
    atac = small.atac.copy()
    atac.obs_names = atac.obs_names.str.removesuffix("-1")
    load(atac=atac)
    assert re.search(r"differ by .*suffix.*: 40 are paired", caplog.text)


def test_peaks_of_another_chromosome_style(load, small: Simulation) -> None:
    atac = small.atac.copy()
    atac.var_names = atac.var_names.str.removeprefix("chr")
    atac.var["chrom"] = atac.var["chrom"].str.removeprefix("chr")
    with pytest.raises(InputError, match=r"(?is)chromosome.*\b1\b.*chr1"):
        load(atac=atac)


def test_wrong_genome_build(load, small: Simulation) -> None:
    """TSSs moved by 9 kb: the regions no longer gather at them."""
    with pytest.raises(InputError, match=r"(?s)TSS.*(build|genome)"):
        load(tss=small.tss.assign(tss=small.tss["tss"] + 9_000))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("modality", ["rna", "atac"])
@pytest.mark.parametrize("part", ["cells", "features"])
def test_an_empty_matrix(load, small: Simulation, modality: str, part: str) -> None:
    data = getattr(small, modality)
    empty = data[:0].copy() if part == "cells" else data[:, :0].copy()
    with pytest.raises(
        InputError, match=r"(?i)empty|\b0 (cells|genes|regions|peaks|barcodes)|0 x|x 0"
    ):
        load(**{modality: empty})


@pytest.mark.parametrize("modality", ["rna", "atac"])
def test_negative_counts(load, small: Simulation, modality: str) -> None:
    data = getattr(small, modality).copy()
    data.X = data.X.astype(np.float32)
    data.X.data[3] = -2
    with pytest.raises(InputError, match="negative"):
        load(**{modality: data})


@pytest.mark.parametrize("modality", ["rna", "atac"])
def test_counts_that_are_not_whole(load, small: Simulation, modality: str) -> None:
    data = getattr(small, modality).copy()
    data.X = sp.csr_matrix(data.X, dtype=np.float32).log1p()
    with pytest.raises(InputError, match=r"(?i)whole|integer|normalised"):
        load(**{modality: data})
