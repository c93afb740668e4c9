"""Cistromes: which regions, or genes, a TF binds. One file a method, registered in `grnformer.core.methods`.

A method is a function of (`evidence.Evidence`, settings) that returns a table tf, region, gene, annotation, evidence,
sign, score (contract cistromes). Its registration says, beside its name and the environment of an original tool,

``reads``
    the `Table` of stage grn that it needs in `Evidence.table`; None if it needs none;
``rules``
    the rules that lead to that table: a function of the config's section grn.cistromes;
``needs``
    settings that must be given: a function of the same section, keys below grn.cistromes;
``names_genes``
    whether its cistromes name genes, not regions;
``without_regions``
    whether its evidence stands for genes where there is no ATAC;
``ranks_regions``
    whether its motifs rank regions, so that eRegulons can be ranked by them.

All but the name may be left out: `MethodInfo`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from grnformer.core.errors import InputError
from grnformer.core.methods import load, names

Section = dict[str, Any]  # the config's section grn.cistromes, or a part of it


class Table(NamedTuple):
    """A table in results/<dataset>/grn: the file's stem and its contract."""

    file: str
    contract: str


def _nothing(section: Section) -> list[str]:
    return []


@dataclass(frozen=True)
class MethodInfo:
    """What a method's registration says about it."""

    reads: Table | None = None
    rules: Callable[[Section], list[str]] = _nothing
    needs: Callable[[Section], list[str]] = _nothing
    names_genes: bool = False
    without_regions: bool = False
    ranks_regions: bool = False


def method_names() -> tuple[str, ...]:
    """Sorted names of the methods."""
    return names(__name__)


def describe_method(name: str) -> MethodInfo:
    """What the registration of a method says."""
    return MethodInfo(**load(__name__, name).about)


def motif_rules(section: Section) -> list[str]:
    """Rules that make the table of the chosen method (config section grn.cistromes)."""
    return describe_method(section["method"]).rules(section)


def check_motif_settings(section: Section) -> None:
    """Raise InputError where the chosen method (config section grn.cistromes) lacks one of its files."""
    name = section["method"]
    needed = describe_method(name).needs(section)
    missing = [place for place in needed if not _look_up(section, place)]
    if missing:
        raise InputError(
            f"grn.cistromes.method is {name!r} without {', '.join(missing)}",
            "a path or resource:<name> for each",
            f"set grn.cistromes.{missing[0]}, or take the method prior",
        )


def check_without_atac(configs: Mapping[str, Any], rna_alone: Iterable[str]) -> None:
    """Raise InputError where a dataset of RNA alone is to have networks or benchmarks that need ATAC.

    `configs`: dataset -> its configuration.
    """
    about = {name: describe_method(name) for name in method_names()}
    able = [n for n, info in about.items() if info.names_genes or info.without_regions]
    for dataset in rna_alone:
        what = f"dataset {dataset!r} has RNA alone (neither atac nor fragments)"
        method = configs[dataset]["grn"]["cistromes"]["method"]
        if method not in able:
            raise InputError(
                f"{what}, and grn.cistromes.method is {method!r}, which looks for motifs in accessible regions",
                f"a method that needs no regions: {', '.join(able)}",
                f"choose one of them (datasets.{dataset}.grn.cistromes.method), or give its ATAC",
            )
        for benchmark in ("grn_accuracy", "link_accuracy"):
            lines = configs[dataset]["bench"][benchmark]["lines"]
            if dataset in [line["dataset"] for line in lines]:
                raise InputError(
                    f"{what}, and bench.{benchmark}.lines names it",
                    "datasets with ATAC, by which its baselines and links are made",
                    f"take the dataset out of bench.{benchmark}.lines",
                )


def _look_up(section: Section, place: str) -> Any:
    for key in place.split("."):
        section = section[key]
    return section
