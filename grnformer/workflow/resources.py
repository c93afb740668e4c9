"""Which resources of the registry a run reads: those that steps which are switched on name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from grnformer.core.places import split_place
from grnformer.workflow.arms import asks_knowledge, other_backbones
from grnformer.workflow.config import TISSUE_SPLITS, resource_name


def missing_resources(names: Iterable[str], workflow: Any) -> list[str]:
    """Names of the resources that no file holds yet, in the folder that Snakemake's `workflow` has for them."""
    modifier = workflow.modifier
    # a workflow that imports this one may set a prefix and the folder
    folder = modifier.path_modifier.modify(modifier.pathvars.apply("<resources>"))
    return [name for name in names if not (Path(folder) / name).exists()]


def resources_read(
    configs: Mapping[str, dict[str, Any]], samples: Iterable[dict[Any, Any]]
) -> list[str]:
    """Sorted names of the resources that the datasets' stages read.

    Parameters
    ----------
    configs
        Dataset -> its configuration.
    samples
        Rows of the sample sheet.
    """
    named: set[str] = set()
    samples = list(samples)
    for dataset, config in configs.items():
        rows = [row for row in samples if row["dataset"] == dataset]
        genome = next((row["genome"] for row in rows), None)
        named.update(
            _references(
                [
                    rows,
                    _read_by_networks(config, rows),
                    _read_by_models(dataset, config, genome),
                ]
            )
        )
        if dataset in {
            line["dataset"] for line in config["bench"]["link_accuracy"]["lines"]
        }:
            named.update(_references(config["bench"]["link_accuracy"]))
        # By networks and expression alone, whether or not models are trained.
        drugs = config["bench"]["drug_response"]
        by_networks = _read_by_screen(drugs, drugs["network_features"]["splits"])
        named.update(_references(by_networks))
        named.update(_references(config["bench"]["sc_drug"]["labelled"]))
        # The truth is read only for datasets with a line in it.
        if dataset in {
            line["dataset"] for line in config["bench"]["grn_accuracy"]["lines"]
        }:
            named.update(_references(config["bench"]["grn_accuracy"]))
        # pathways and complexes serve no other step
        if config["bench"]["perturbation"]["screens"]:
            named.update(_references(config["bench"]["perturbation"]))
    return sorted(named)


def _read_by_networks(config: dict[str, Any], rows: list[dict[str, str]]) -> list[Any]:
    """Settings whose files the stages prep and grn read."""
    grn, genomes = config["grn"], {row["genome"] for row in rows}
    read = [config["genomes"][genome]["tss"] for genome in genomes]
    read += [
        config["prep"]["names"],
        grn["tfs"]["lists"],
        grn["cistromes"]["prior"],
        *_motif_settings(grn["cistromes"]),
    ]

    if any(row.get("fragments") for row in rows):
        fragments = config["prep"]["fragments"]
        read += [
            fragments[key].get(genome)
            for key in ("blacklists", "chromosome_sizes")
            for genome in genomes
        ]

    # Without promoters, what else these settings name is not read.
    if grn["cistromes"]["promoter"]["promoters"]:
        read.append(grn["cistromes"]["promoter"])
    return read


def _motif_settings(cistromes: dict[str, Any]) -> list[Any]:
    """Settings of the chosen method, where it needs motifs."""
    # pySCENIC reads the settings of this package's method on the same rankings.
    method = (
        "cistarget_genes"
        if cistromes["method"] == "pyscenic_ctx"
        else cistromes["method"]
    )
    if method == "prior":
        return []
    promoter = cistromes["promoter"]
    if method == "promoter" and not promoter["promoters"]:
        return [promoter["tables"]]
    # Only without given scores does the method scan sequences.
    scanned = method == "dem" and not cistromes["dem"]["scores"]
    return [
        cistromes["motifs_to_tfs"],
        cistromes[method],
        cistromes["motif_scan"] if scanned else None,
    ]


def _read_by_models(
    dataset: str, config: dict[str, Any], genome: str | None
) -> list[Any]:
    """Settings whose files training, embedding and drug response read, for a dataset or for corpora with it."""
    pretrain, fuse, bench = config["pretrain"], config["fuse"], config["bench"]
    drugs = bench["drug_response"]
    chosen = pretrain["datasets"]
    corpora = {
        name: corpus
        for name, corpus in pretrain["corpora"].items()
        if dataset in corpus["datasets"]
    }

    trained = [name for name in (dataset, *corpora) if chosen is None or name in chosen]
    if not trained:
        return []
    given = {key: fuse[key] for key in ("vocabulary", "aliases") if fuse[key]}
    # A vocabulary of the run takes the place of the backbone's, with its aliases.
    vocabulary = (
        given if fuse["vocabulary"] else fuse["backbones"][pretrain["backbone"]] | given
    )
    others = [fuse["backbones"][name] for name in other_backbones(pretrain)]
    used = {
        **pretrain,
        "corpora": [corpora[name] for name in trained if name in corpora],
    }

    return [
        vocabulary,
        fuse["orthologs"].get(genome),
        others,
        used,
        fuse["knowledge"]["sources"] if asks_knowledge(config) else None,
        config["embed"]["inputs"],
        _read_by_screen(drugs, drugs["splits"]),
        bench["sc_drug"]["lines"] if drugs["splits"] else None,
    ]


def _read_by_screen(drugs: dict[str, Any], splits: Iterable[str]) -> dict[str, Any]:
    """Settings of drug response less those whose files none of these splits reads."""
    splits = set(splits)
    if not splits:
        return {}
    unread = set() if "screen" in splits else {"other_screen"}
    if not splits & set(TISSUE_SPLITS):
        unread.add("annotations")
    return {key: value for key, value in drugs.items() if key not in unread}


def _references(settings: Any) -> Iterator[str]:
    """Names of the resources in nested settings."""
    if isinstance(settings, dict):
        settings = list(settings.values())
    if isinstance(settings, list):
        for item in settings:
            yield from _references(item)
    elif isinstance(settings, str):
        name = resource_name(split_place(settings)[0])
        if name is not None:
            yield name
