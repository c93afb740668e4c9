"""Corpora of the config: datasets, and files of RNA alone, that one model is pretrained on together."""

from __future__ import annotations

import re
from typing import Any

from grnformer.core.errors import InputError

# of datasets and corpora, which have folders beside those of the whole run
NAME = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"
# a file of a corpus that is made of count matrices, by its name in `pretrain.rna`
RNA_PREFIX = "rna:"
TAKEN = ("bench", "benchmarks", "embed", "logs", "report", "resources")


def check_corpora(
    corpora: dict[str, dict[str, Any]], genome_of: dict[str, str]
) -> None:
    """Raise InputError if a corpus cannot be put together.

    Parameters
    ----------
    corpora
        `pretrain.corpora` of the config.
    genome_of
        Dataset of the sample sheet -> its genome.

    Raises
    ------
    InputError
        If a corpus is named as a dataset or a folder of the whole run, holds an unknown dataset, one twice, or
        datasets of several genomes, or a file is named as a dataset.
    """
    for name, corpus in corpora.items():
        where = f"pretrain.corpora.{name}"
        # a corpus has a folder beside those of the datasets
        if not re.fullmatch(NAME, name) or name in (*genome_of, *TAKEN):
            raise InputError(
                f"a corpus named {name!r}",
                f"letters, digits, _ . - (it names a folder), no dataset's name, and not {', '.join(TAKEN)}",
                "rename it under `pretrain.corpora`",
            )

        unknown = [
            dataset for dataset in corpus["datasets"] if dataset not in genome_of
        ]
        if unknown:
            raise InputError(
                f"{where} holds the dataset {unknown[0]!r}",
                f"a dataset of the sample sheet: {', '.join(sorted(genome_of))}",
                "correct the name",
            )

        if len(set(corpus["datasets"])) < len(corpus["datasets"]):
            twice = next(
                one for one in corpus["datasets"] if corpus["datasets"].count(one) > 1
            )
            raise InputError(
                f"{where} holds the dataset {twice!r} twice",
                "each dataset once",
                "remove one of them",
            )

        # one dataset of each genome, as an example for the message
        genomes = {genome_of[dataset]: dataset for dataset in corpus["datasets"]}
        if len(genomes) > 1:
            raise InputError(
                f"{where} mixes genomes: "
                + ", ".join(f"{d} is of {g}" for g, d in genomes.items()),
                "datasets of one genome, whose genes have the same names",
                "make a corpus of each genome",
            )

        for file in corpus["files"]:
            # files and datasets are parts of a corpus alike, found by name
            if file in genome_of:
                raise InputError(
                    f"{where}.files names a file {file!r}",
                    "no dataset's name",
                    "rename the file's entry",
                )


def check_rna(reference: str, place: str, rna: dict[str, Any]) -> None:
    """Raise InputError if a file of a corpus names count matrices that `pretrain.rna` lacks."""
    if reference.removeprefix(RNA_PREFIX) not in rna:
        raise InputError(
            f"{place} is {reference!r}",
            f"{RNA_PREFIX}<name> of pretrain.rna, which has {', '.join(rna) or 'none'}",
            "add the matrices to pretrain.rna, or correct the name",
        )


def rna_file(reference: str, datasets: list[str]) -> str:
    """Where a file of a corpus is made of count matrices, whose genes are known by the TSSs of the first dataset.

    Returns
    -------
    A path of the workflow; empty for a file that is there.
    """
    if not reference.startswith(RNA_PREFIX):
        return ""
    name = reference.removeprefix(RNA_PREFIX)
    return f"<results>/{datasets[0]}/prep/rna/{name}.h5ad"


def check_tested(
    corpora: dict[str, dict[str, Any]], bench: dict[str, Any], rna: dict[str, Any]
) -> None:
    """Raise InputError if a corpus has a file of cells or lines that a benchmark tests models on.

    A model that was pretrained on the tested profiles has seen them, if not their labels. Files are compared as they
    are named; the same cells under another name are not found.

    Parameters
    ----------
    corpora
        `pretrain.corpora` of the config.
    bench, rna
        Its sections `bench` and `pretrain.rna`.
    """
    drug_response, sc_drug = bench["drug_response"], bench["sc_drug"]
    tested = {}
    if drug_response["splits"]:
        tested[drug_response["expression"]] = "bench.drug_response.expression"
    for section in ("lines", "labelled"):
        for entry in sc_drug[section]:
            tested[entry["cells"]] = f"bench.sc_drug.{section}"

    for name, corpus in corpora.items():
        for file, reference in corpus["files"].items():
            # count matrices that are made a file are what it is made of
            of_rna = rna.get(reference.removeprefix(RNA_PREFIX), {})
            for path in of_rna.get("matrices", [reference]):
                if path in tested:
                    raise InputError(
                        f"pretrain.corpora.{name}.files.{file} is {path}, on which {tested[path]} tests models",
                        "files without tested cells and lines",
                        "take out what is tested, as benchmarks/make_rna_corpus.py does, or do not test on it",
                    )
