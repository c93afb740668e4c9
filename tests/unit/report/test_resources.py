"""The report lists the resources that a run reads, and no others."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from grnformer.report.sections.resources import tabulate_resources
from grnformer.settings.read import complete

CHECKOUT = Path(__file__).parents[3]
REGISTRY = yaml.safe_load((CHECKOUT / "config" / "resources.yaml").read_text())
DEMO = complete(yaml.safe_load((CHECKOUT / "config" / "config.yaml").read_text()))


def row(
    dataset: str = "snareseq", genome: str = "hg38", **files: str
) -> dict[str, str]:
    return {
        "dataset": dataset,
        "sample": "s1",
        "rna": "rna.h5ad",
        "genome": genome,
    } | files


def listed(rows: list[dict[str, str]], **changes: Any) -> set[str]:
    """Resources of the demo's configuration with some settings changed, by the dotted names of their places."""
    config = copy.deepcopy(DEMO)
    for place, value in changes.items():
        part, keys = config, place.split("__")
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = value
    table = tabulate_resources({r["dataset"]: config for r in rows}, rows, REGISTRY)
    assert table["resource"].is_unique
    return set(table["resource"])


DRUGS = {
    "gdsc2_ln_ic50.csv",
    "drug_smiles.pkl",
    "gdsc_expression.pkl",
    "gdsc_genes.txt",
    "li.csv",
    "li_labels.csv",
    "pollen.csv",
    "pollen_labels.csv",
}


def test_the_demo_lists_what_it_fetches() -> None:
    rows = [row(rna="resource:snareseq_rna.csv", atac="resource:snareseq_atac.csv")]
    networks = {
        "ensembl_transcripts_hg38.tsv.gz",
        "motif_tfs.tsv.gz",
        "regulatory_prior.parquet",
    }
    counts = {"snareseq_rna.csv", "snareseq_atac.csv"}
    assert listed(rows) == counts | networks | DRUGS | {
        "scgpt_vocabulary.json",
        "tf_chip_targets.json",
    }


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"pretrain__datasets": []}, {*DRUGS, "scgpt_vocabulary.json"}),
        ({"bench__drug_response__splits": []}, DRUGS),
        ({"bench__grn_accuracy__lines": []}, {"tf_chip_targets.json"}),
    ],
)
def test_stages_switched_off_read_nothing(
    changes: dict[str, Any], gone: set[str]
) -> None:
    assert listed([row()]) - listed([row()], **changes) == gone


def test_a_corpus_reads_what_its_datasets_would_and_its_own_files() -> None:
    """Whether each dataset is trained on by itself, too, or not."""
    corpora = {
        "both": {
            "datasets": ["snareseq", "other"],
            "files": {"lines": "resource:homer_motifs.txt"},
        },
        "idle": {
            "datasets": ["snareseq"],
            "files": {"lines": "resource:epd_promoters_hg38.txt"},
        },
    }
    rows = [row(), row("other")]
    alone = listed(rows)
    of_corpus = listed(rows, pretrain__datasets=["both"], pretrain__corpora=corpora)
    assert of_corpus == alone | {"homer_motifs.txt"}
    assert listed(rows, pretrain__corpora=corpora) == of_corpus | {
        "epd_promoters_hg38.txt"
    }
    none = listed(rows, pretrain__datasets=[])
    assert listed(rows, pretrain__datasets=[], pretrain__corpora=corpora) == none
    assert listed(
        [row("third")], pretrain__datasets=["both"], pretrain__corpora=corpora
    ) == none - {"tf_chip_targets.json"}


def test_networks_as_features_read_the_screen_without_a_model() -> None:
    place = "bench__drug_response__network_features__splits"
    none = listed([row()], pretrain__datasets=[])
    found = listed([row()], pretrain__datasets=[], **{place: ["tissue"]})
    screen = {name for name in DRUGS if "gdsc" in name or "drug" in name}
    assert found - none == screen | {"ccle_annotations.tsv"}


@pytest.mark.parametrize(
    ("method", "place"),
    [
        ("cistarget", "cistarget__rankings"),
        ("motif_scan", "motif_scan__fasta"),
        ("dem", "motif_scan__motifs"),
        ("dem", "dem__scores"),
        ("cistarget_genes", "cistarget_genes__rankings"),
        ("pyscenic_ctx", "cistarget_genes__rankings"),
    ],
)
def test_a_method_of_cistromes_adds_its_files(method: str, place: str) -> None:
    files = {f"grn__cistromes__{place}": "resource:homer_motifs.txt"}
    assert "homer_motifs.txt" not in listed([row()], **files)
    assert "homer_motifs.txt" in listed([row()], **files, grn__cistromes__method=method)


def test_every_resource_of_the_configuration_is_listed_where_all_is_switched_on() -> (
    None
):
    """A further setting that names a resource must be known here."""
    text = yaml.safe_dump(DEMO, width=10**6)
    named = {part.split("resource:")[1] for part in text.replace("'", " ").replace("]", " ").replace(",", " ").split()
             if part.startswith("resource:")}  # fmt: skip
    named = {name.rstrip("}") for name in named} & set(REGISTRY)
    rows = [
        row(genome, genome, fragments="fragments.tsv.gz") for genome in DEMO["genomes"]
    ]
    lines = [{"dataset": "hg38", "cell_type": "K562", "line": "K562"}]
    screen = {"effects": "e.csv", "directions": None, "expression": []}
    shared = {
        "grn__cistromes__promoter__promoters": "resource:epd_promoters_hg38.txt",
        "bench__grn_accuracy__lines": lines,
        "bench__link_accuracy__lines": lines,
        "bench__drug_response__splits": ["line", "tissue", "screen"],
        "bench__perturbation__screens": {"k562": screen},
    }
    found = set().union(
        *(
            listed(rows, **shared, pretrain__backbone=b)
            for b in DEMO["fuse"]["backbones"]
        )
    )
    assert len(named) > 15
    assert named <= found
