"""The scenario config/scenarios/fragments.yaml: from two samples' fragments to the networks of their cell types."""

import dataclasses
import gzip
import importlib.util
import re
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.api.run import read_run
from grnformer.core import io
from grnformer.export.formats import export
from grnformer.genome.intervals import overlaps_any
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import write_simulation

ROOT = Path(__file__).parents[2]
MISSING = [
    name for name in ("snapatac2", "MACS3") if importlib.util.find_spec(name) is None
]

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
needs_snapatac = pytest.mark.skipif(
    bool(MISSING), reason=f"{MISSING} not installed: make env-fragments"
)

#: Bounds that a small simulation can meet.
SHALLOW = {
    "cells": {
        "min_umis": 200,
        "min_genes": 100,
        "min_atac_counts": 200,
        "min_regions": 100,
    },
    "fragments": {
        "min_fragments": 200,
        "min_tss_enrichment": 2,
        "min_cells_per_group": 20,
    },
}


@pytest.fixture(scope="module")
def planted() -> Simulation:
    return simulate_multiome(seed=1, n_cells=240, repression_fraction=0.35)


def halves(planted: Simulation) -> dict[str, Simulation]:
    """Two samples of it: every second cell, with RNA, ATAC and annotation of its own."""
    rows = {"one": slice(0, None, 2), "two": slice(1, None, 2)}
    return {
        name: dataclasses.replace(
            planted,
            rna=planted.rna[part].copy(),
            atac=planted.atac[part].copy(),
            annotation=planted.annotation[part],
        )
        for name, part in rows.items()
    }


@pytest.fixture(scope="module")
def scenario(planted: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario file over the simulation's, with one sheet of both samples; one of them has empty droplets too."""
    folder = tmp_path_factory.mktemp("fragments")
    sheets = []
    for name, part in halves(planted).items():
        write_simulation(part, folder / name, fragments=True)
        sheet = pd.read_csv(
            folder / name / "samples.tsv", sep="\t", dtype=str, keep_default_na=False
        )
        sheets.append(sheet.assign(sample=name))
    add_droplets(folder / "one" / "fragments.tsv.gz")
    pd.concat(sheets).to_csv(folder / "samples.tsv", sep="\t", index=False)
    config = yaml.safe_load(
        (ROOT / "config" / "scenarios" / "fragments.yaml").read_text()
    )
    update_config(config, yaml.safe_load((folder / "one" / "config.yaml").read_text()))
    config["topics"]["n_topics"] = [6]
    update_config(config, {"samples": str(folder / "samples.tsv"), "prep": SHALLOW})
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder / "config.yaml"


def add_droplets(path: Path) -> None:
    """A droplet with few fragments, and one with many fragments scattered over a chromosome."""
    rng = np.random.default_rng(0)
    table = pd.read_csv(path, sep="\t", header=None, comment="#")
    starts = rng.integers(0, 1_200_000, 505)
    more = pd.DataFrame(
        {
            0: "chr1",
            1: starts,
            2: starts + 90,
            3: ["EMPTY-1"] * 5 + ["SCATTERED-1"] * 500,
            4: 1,
        }
    )
    table = pd.concat([table, more]).sort_values([0, 1, 2, 3])
    with gzip.open(path, "wt") as handle:
        handle.write(table.to_csv(sep="\t", header=False, index=False))


@pytest.fixture(scope="module")
def finished(
    scenario: Path,
    checkout: Path,
    make_workplace,
    tmp_path_factory: pytest.TempPathFactory,
):
    place = make_workplace(tmp_path_factory.mktemp("work"), scenario, checkout)
    place.must("report")
    return place


@needs_snapatac
def test_regions_and_counts_are_those_planted(finished, planted: Simulation) -> None:
    prep = finished.folder / "results/simulated/prep"
    peaks = io.read_table(prep / "consensus_peaks.tsv", "consensus_peaks")
    assert ((peaks["end"] - peaks["start"]) == 501).all()
    assert overlaps_any(peaks, planted.regions).mean() > 0.95
    assert overlaps_any(planted.regions, peaks).mean() > 0.9
    atac = io.read_modality(prep / "multiome.h5mu", "atac", "multiome")
    assert atac.n_obs > 0.95 * planted.atac.n_obs
    assert set(atac.obs["sample"].astype(str)) == {"one", "two"}
    assert set(atac.var_names) <= set(peaks["region"])
    truth = planted.atac[atac.obs["barcode"].astype(str)]
    depth = np.corrcoef(
        np.asarray(atac.layers["counts"].sum(axis=1)).ravel(),
        np.asarray(truth.X.sum(axis=1)).ravel(),
    )
    assert depth[0, 1] > 0.95


@needs_snapatac
def test_every_barcode_is_accounted_for(finished) -> None:
    prep = finished.folder / "results/simulated/prep"
    qc = io.read_table(prep / "fragments" / "one" / "qc.tsv", "fragment_qc").set_index(
        "barcode"
    )
    assert qc.loc["EMPTY-1", "reason"] == "fewer than 200 fragments"
    assert qc.loc["SCATTERED-1", "reason"] == "no RNA barcode"
    dropped = io.read_table(prep / "dropped.tsv", "dropped").set_index("name")
    assert dropped.loc["one:SCATTERED-1", "reason"] == "no RNA barcode"
    assert "one:EMPTY-1" not in dropped.index
    data = anndata.read_h5ad(prep / "fragments" / "one" / "counts.h5ad")
    assert set(data.obs_names) == set(qc.index[qc["reason"].isna()])


@needs_snapatac
def test_the_network_is_recovered_from_fragments(finished, planted: Simulation) -> None:
    """As from the planted matrix (test_workflow.py: precision .89, recall .55), all pairs .07 by chance."""
    found = pd.read_parquet(finished.folder / "results/simulated/grn/eregulons.parquet")
    found = set(zip(found["tf"], found["gene"], strict=True))
    truth = set(zip(planted.edges["tf"], planted.edges["gene"], strict=True))
    assert len(found & truth) / len(found) > 0.75
    assert len(found & truth) / len(truth) > 0.35


@needs_snapatac
def test_coverage_of_each_type_is_exported(finished, tmp_path: Path) -> None:
    """A file for each type that IGV opens, over the chromosomes of the genome; tests/reference compares the values."""
    run = read_run(finished.folder / "results" / "simulated")
    (written,) = export(run, tmp_path, ["bigwig"])
    assert {path.stem for path in written.path.glob("*.bw")} == {*run.cell_types}
    for path in written.path.glob("*.bw"):
        # magic number of a bigWig in either order of bytes
        assert path.read_bytes()[:4] in (b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26")
        assert b"chr1" in path.read_bytes()


@needs_snapatac
def test_a_second_run_does_nothing(finished) -> None:
    assert "Nothing to be done" in finished.must("--dry-run", "report").terminal


@needs_snapatac
def test_the_report_shows_the_fragments(finished) -> None:
    table = pd.read_csv(
        finished.folder / "results/report/tables/fragments.tsv", sep="\t"
    ).set_index("sample")
    prep = finished.folder / "results/simulated/prep/fragments"
    for sample in ("one", "two"):
        assert (
            table.loc[sample, "kept"]
            == io.read_table(prep / sample / "qc.tsv", "fragment_qc")["reason"]
            .isna()
            .sum()
        )
        assert table.loc[sample, "kept"] > 115
    assert table.loc["one", "barcodes"] == table.loc["two", "barcodes"] + 2
    assert table["tss_enrichment"].min() > 4
    assert (
        "TSS enrichment against unique fragments"
        in (finished.folder / "results/report/index.html").read_text()
    )


def test_without_the_extra_it_is_asked_for(
    scenario: Path, make_workplace, tmp_path: Path
) -> None:
    """Where SnapATAC2 is missing, the first rule says how to get it."""
    if not MISSING:
        pytest.skip(
            "SnapATAC2 is installed: see tests/unit/prep/fragments/test_snapatac.py"
        )
    run = make_workplace(tmp_path / "work", scenario).snakemake(
        "results/simulated/prep/consensus_peaks.tsv"
    )
    assert run.status != 0
    assert re.search(
        r"scan_fragments stopped: wrong input.*make env-fragments",
        run.terminal,
        re.DOTALL,
    )
