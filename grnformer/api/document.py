"""docs/outputs.md, from the contracts of the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from grnformer.core import contracts

STAGES = {
    "prep": "Cells, genes and regions after the filters",
    "topics": "Topics of the regions",
    "grn": "Networks; `{run}` is `grn`, or `grn_seed<n>` of a rerun under another seed",
    "fuse": "Graphs of the models, a folder a graph",
    "pretrain": "Models, a folder an arm and seed",
    "embed": "Embeddings",
    "attention": "What the adapters attend to",
    "perturb": "Genes set in silico",
    "bench": "Benchmarks",
    "report": "The report",
}
EXPORTS = {
    "decoupler/**/*.tsv": "decoupler_network",
    "cytoscape/**/*.edges.tsv": "cytoscape_edges",
    "cytoscape/**/*.nodes.tsv": "cytoscape_nodes",
    "scenicplus/scplusmdata.h5mu": "scenicplus_mudata",
    "genernib/<dataset>.h5ad": "genernib_network",
    "gretapy/<dataset>.tsv": "gretapy_network",
}
#: exports that are no tables with a header: what they hold
DESCRIBED = {
    "gmt/**/*.gmt": "A line an eRegulon, fields separated by tabs: its name, its TF, its genes. Signs are in the name.",
    "graphml/**/*.graphml": (
        "A directed graph. Nodes: `kind` (TF, gene), `n_targets` (genes), `n_regulators` (TFs). Edges: `weight` "
        "(four digits), `sign` (1 activates, -1 represses), `n_regions` (regions that carry the edge)."
    ),
    "scope/<dataset>.loom": (
        "Genes x cells, counts. Genes: `Gene`, `Regulons` (1 for members). Cells: `CellID`, `nGene`, `nUMI` (UMIs), "
        "`Embedding` (the UMAP), `RegulonsAUC` (0 to 1), `Clusterings`, `ClusterID`. `MetaData`: names of cell types, "
        "thresholds of activity."
    ),
    "tracks/links.interact": (
        "Region-gene links of all eRegulons, an arc from the region to the gene's nearest TSS; "
        "`cell_type/<type>.links.interact`: those of the type's network. Positions in bp, 0-based, ends exclusive. "
        "`score`: rank of the link's weight, 0 to 1000; `value`: Spearman's rho of accessibility and expression; "
        "`exp`: TFs; blue: they rise together, red: against each other."
    ),
    "tracks/cistromes.bed": (
        "Regions that each TF binds by the chosen evidence. BED6, positions as above; `name`: TF; `score`: rank of the "
        "evidence's score for the TF, 0 to 1000."
    ),
    "tracks/cell_type/<type>.regions.bed": (
        "Regions of the type's network. BED6; `name`: TFs that act there; `score`: genes that they regulate there, at "
        "most 1000."
    ),
    "bigwig/<type>.bw": (
        "Coverage of the type's fragments in bins of 10 bp, per million bases that they cover together."
    ),
}
HEAD = "<!-- Written by `make outputs` from {source}: change it there. -->"
OPENING = """\
## How to open them

**scanpy.** Tables by pandas, cells by scanpy, RNA and ATAC together (`prep/multiome.h5mu`) by `mudata.read_h5mu`.

```python
import pandas as pd
import scanpy as sc

activity = sc.read_h5ad("results/snareseq/grn/cell_activity.h5ad")  # cells x eRegulons
sc.pl.umap(activity, color="cell_type")
network = pd.read_parquet("results/snareseq/grn/cell_type/K562.parquet")
```

**R.** Tables by arrow, cells by anndataR (or zellkonverter), gene sets by any reader of GMT.

```r
eregulons <- arrow::read_parquet("results/snareseq/grn/eregulons.parquet")
qc <- read.delim("results/snareseq/prep/qc.tsv")
activity <- anndataR::read_h5ad("results/snareseq/grn/cell_activity.h5ad", as = "SingleCellExperiment")
sets <- GSEABase::getGmt("exported/gmt/overall.gmt")
```

**Cytoscape.** `grnformer export results/snareseq --to exported --formats cytoscape graphml`, then

1. File > Import > Network from File: `exported/cytoscape/cell_type/K562.edges.tsv` (source, interaction, target)
2. File > Import > Table from File: `exported/cytoscape/cell_type/K562.nodes.tsv`, key `name`
3. Style: edge colour by `interaction` (in GraphML `sign`), width by `weight`, node size by `n_targets`
4. or, for both at once, File > Import > Network from File: `exported/graphml/cell_type/K562.graphml`

**IGV and UCSC.** `grnformer export results/snareseq --to exported --formats tracks bigwig`, then

1. choose the genome of the sample sheet
2. File > Load from File (UCSC: My Data > Custom Tracks): `exported/tracks/links.interact`, arcs from region to TSS
3. the same with `exported/tracks/cistromes.bed`, the regions of each TF
4. where samples were given as fragments, `exported/bigwig/<cell type>.bw`, the coverage of each type
"""


def generate() -> dict[str, str]:
    """Return the text of every page, by its path from the checkout."""
    return {"docs/outputs.md": outputs_page()}


def outputs() -> dict[str, dict[str, Any]]:
    """Stage -> path below results/ -> name of the contract, or ``about``."""
    text = (contracts.SCHEMAS / "outputs.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return found


def outputs_page() -> str:
    """Every file with its columns, units and bounds."""
    lines = [
        "# Outputs",
        "",
        HEAD.format(source="workflow/schemas/outputs.yaml and files/*.yaml"),
        "",
        "Every file below `results/`, and those of `grnformer export`. A name in braces stands for any, such as",
        "`{dataset}`. A file that breaks its contract is not written: only what is marked so may be missing. Without a",
        "unit, a number is a fraction, a weight, a score or a number of what its name says. In names of files, cell",
        "types have letters, digits and `. _ + -`; anything else is `_`.",
        "",
        OPENING,
    ]
    for stage, files in outputs().items():
        lines += [f"## {stage}", "", f"{STAGES[stage]}.", ""]
        for paths, entry in _by_contract(files):
            lines += [f"### {' · '.join(f'`{path}`' for path in paths)}", ""]
            if isinstance(entry, dict):
                lines += [entry["about"], ""]
            else:
                lines += _contract(entry)

    lines += ["## Exports", "", "What `grnformer export` writes, below its folder.", ""]
    for path, name in EXPORTS.items():
        lines += [f"### `{path}`", "", *_contract(name)]
    for path, about in DESCRIBED.items():
        lines += [f"### `{path}`", "", about, ""]
    return "\n".join(lines).rstrip() + "\n"


def _by_contract(files: dict[str, Any]) -> Iterator[tuple[list[str], Any]]:
    """Paths of one contract together, in the order of the first."""
    together: dict[str, list[str]] = {}
    for path, entry in files.items():
        key = entry if isinstance(entry, str) else path
        together.setdefault(key, []).append(path)
    for paths in together.values():
        yield paths, files[paths[0]]


def _contract(name: str) -> list[str]:
    """Description and table of a contract."""
    contract = contracts.load(name)
    rows = list(_rows(contract))
    lines = [" ".join(contract["description"].split()), ""]
    if key := contract.get("key"):
        lines += [f"One row a {' and '.join(f'`{column}`' for column in key)}.", ""]
    if rows:
        lines += ["| what | type | values | unit | meaning |", "|---|---|---|---|---|"]
        for row in rows:
            cells = (cell.replace("|", "\\|").replace("<", "&lt;") for cell in row)
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def _rows(contract: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Name, type, values, unit and meaning of all that a contract declares."""
    match contract["kind"]:
        case "table":
            for name, rule in contract["columns"].items():
                yield _row(f"`{name}`", rule)
            if "wide" in contract:
                yield _row("all other columns", contract["wide"])
        case "anndata":
            yield from _anndata_rows(contract, "")
        case "mudata":
            for name, rule in contract.get("obs", {}).items():
                yield _row(f"`obs[{name!r}]`", rule)
            for modality, rules in contract["modalities"].items():
                yield from _anndata_rows(rules, f"{modality}: ")
        case "json":
            for name, rule in contract["schema"].get("properties", {}).items():
                yield _row(f"`{name}`", rule)


def _anndata_rows(rules: dict[str, Any], before: str) -> Iterator[tuple[str, ...]]:
    if "X" in rules:
        yield _row(f"{before}`X`", rules["X"])
    for slot in ("layers", "obs", "var"):
        for name, rule in rules.get(slot, {}).items():
            yield _row(f"{before}`{slot}[{name!r}]`", rule)
    for slot in ("obsm", "uns"):
        for name in rules.get(slot, []):
            yield f"{before}`{slot}[{name!r}]`", "", "", "", ""


def _row(name: str, rule: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        _type(rule),
        _values(rule),
        str(rule.get("unit", "")),
        " ".join(str(rule.get("description", "")).split()),
    )


def _type(rule: dict[str, Any]) -> str:
    kinds = rule.get("type", "")
    names = [kinds] if isinstance(kinds, str) else kinds
    words = [name.replace("string", "text") for name in names if name != "null"]
    optional = ", may be missing" if rule.get("nullable") or "null" in names else ""
    absent = ", not always there" if rule.get("optional") else ""
    return " or ".join(words) + optional + absent


def _values(rule: dict[str, Any]) -> str:
    listed = rule.get("values", rule.get("enum"))
    if listed:
        return ", ".join(f"`{value}`" for value in listed)
    low, high = rule.get("minimum"), rule.get("maximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f">= {low}" if low is not None else f"<= {high}" if high is not None else ""
