"""Which resources of the registry a run reads: those that steps which are switched on name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_PREFIX = "resource:"
_COLUMNS = ("about", "licence", "source", "sha256")


def tabulate_resources(
    configs: dict[str, dict[str, Any]], samples: list[dict[str, str]], registry: dict[str, Any]
) -> pd.DataFrame:
    """Resources that the datasets' stages read, with what they are, licence, source and hash.

    Parameters
    ----------
    configs
        Dataset -> its configuration.
    samples
        Rows of the sample sheet.
    registry
        The resource registry.
    """
    import pandas as pd

    named: set[str] = set()
    for dataset, config in configs.items():
        rows = [row for row in samples if row["dataset"] == dataset]
        named.update(_references([*rows, *_settings_read(dataset, config, rows)]))
    table = [{"resource": name} | {key: registry[name][key] for key in _COLUMNS} for name in sorted(named)]
    return pd.DataFrame(table, columns=["resource", *_COLUMNS])


def _settings_read(dataset: str, config: dict[str, Any], rows: list[dict[str, str]]) -> list[Any]:
    """Parts of a dataset's configuration whose files its stages read."""
    grn, bench, pretrain = config["grn"], config["bench"], config["pretrain"]
    genomes = {row["genome"] for row in rows}
    read: list[Any] = [config["genomes"][genome]["tss"] for genome in genomes]
    if any(row.get("fragments") for row in rows):
        places = (config["prep"]["fragments"][key] for key in ("blacklists", "chromosome_sizes"))
        read += [files.get(genome) for files in places for genome in genomes]
    read += [grn["tfs"]["lists"], grn["cistromes"]["prior"], *_motif_settings(grn["cistromes"])]
    read += [grn["binding"]] if grn["binding"]["promoters"] else []
    read += (
        [bench["grn_accuracy"]] if any(line["dataset"] == dataset for line in bench["grn_accuracy"]["lines"]) else []
    )
    corpora = {name: one for name, one in pretrain["corpora"].items() if dataset in one["datasets"]}
    trained = [name for name in (dataset, *corpora) if pretrain["datasets"] is None or name in pretrain["datasets"]]
    if trained:
        fuse = config["fuse"]
        own = {key: fuse[key] for key in ("vocabulary", "aliases")}
        of_backbone = fuse["backbones"][pretrain["backbone"]]
        read += [own if fuse["vocabulary"] else of_backbone | {k: v for k, v in own.items() if v}]
        read += [{**pretrain, "corpora": [corpora[name] for name in trained if name in corpora]}]
        read += [config["embed"]["inputs"]]
        read += [bench["drug_response"]] if bench["drug_response"]["splits"] else []
    return read


def _motif_settings(cistromes: dict[str, Any]) -> list[Any]:
    """Settings of the chosen method, where it needs motifs."""
    method = {"pyscenic_ctx": "cistarget_genes"}.get(cistromes["method"], cistromes["method"])
    if method == "prior":
        return []
    scanned = method == "dem" and not cistromes["dem"]["scores"]
    return [cistromes["motifs_to_tfs"], cistromes[method], cistromes["motif_scan"] if scanned else None]


def _references(settings: Any) -> Iterable[str]:
    """Names of the resources in nested settings."""
    if isinstance(settings, dict):
        settings = list(settings.values())
    if isinstance(settings, list):
        for item in settings:
            yield from _references(item)
    elif isinstance(settings, str) and settings.startswith(_PREFIX):
        yield settings.removeprefix(_PREFIX)
