"""A model in one folder that can be given away: weights, vocabulary, graph, reference cells, card, licence, checksums.

The folder is a model's folder, with its graph in ``graph``: what takes a model takes it as well.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from grnformer import __version__
from grnformer.core import io, record
from grnformer.core.digests import files_below, sha256
from grnformer.core.errors import InputError
from grnformer.core.text import existing, read_lines, read_text
from grnformer.graph.bundle import Bundle, read_bundle, write_bundle
from grnformer.graph.vocabulary import read_aliases, read_vocabulary
from grnformer.model.saved import load_model, read_card
from grnformer.settings.embed import RESEARCH
from grnformer.workflow.arms import bundle_name
from grnformer.workflow.model_folder import (
    ALIASES,
    GRAPH,
    MANIFEST,
    MODEL,
    SUMS,
    VOCABULARY,
    check_is_bundle,
    is_model_bundle,
)

#: Of the folder; raise it where older ones no longer load.
FORMAT = 1
_NEEDED = (*MODEL, MANIFEST, VOCABULARY, "README.md", "LICENCE.md")
_NO_LICENCE = (
    "No licence was given for these weights. Ask those who trained the model before you use or pass it on.\n"
    "The data that they rest on keep their licences: README.md lists those that are known.\n"
)


@dataclass(frozen=True)
class ModelBundle:
    """A checked folder.

    Attributes
    ----------
    folder
        Where it lies; a model's folder.
    manifest
        Contract model_bundle.
    vocabulary, aliases
        Files; aliases None without.
    """

    folder: Path
    manifest: dict[str, Any]
    vocabulary: Path
    aliases: Path | None


def write_model_bundle(
    model: str | Path,
    folder: str | Path,
    *,
    graph: str | Path | None = None,
    vocabulary: str | Path | None = None,
    aliases: str | Path | None = None,
    licence: str | Path | None = None,
    use: str = RESEARCH,
    licences: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Write a model's folder, with all that it needs elsewhere, as one folder; whole or not at all.

    Parameters
    ----------
    model
        A folder that the workflow wrote, <dataset>/pretrain/<arm>/seed<n>.
    folder
        To write; must not be there.
    graph
        The graph bundle that the model was trained on; None: where the workflow puts it.
    vocabulary, aliases
        Of the backbone, so that more names are found in new data; None: the model's own genes and tokens, no aliases.
    licence
        Text file with the licence of the weights; None: the folder says that there is none.
    use
        What the model may be used for.
    licences
        Digest (``sha256:...``) of a resource -> its licence, for the card.

    Returns
    -------
    Contract model_bundle.

    Raises
    ------
    InputError
        If `folder` is there, a file of the model is missing, or graph or vocabulary are of another model.
    """
    model, folder = Path(model), Path(folder)
    if folder.exists():
        raise InputError(
            f"{folder} is there already",
            "a folder that is not there yet: none is written over",
            "name another one (--to), or remove it",
        )
    for name in MODEL:
        existing(model / name, "the model's folder")
    _, card = load_model(model)
    bundle = bundle_of(model, card, graph)
    own = dict(zip(card["genes"], card["tokens"], strict=True))
    entries = read_vocabulary(vocabulary) if vocabulary else own
    check_vocabulary(card, entries, vocabulary or model)
    others = read_aliases(aliases or "")
    terms = read_text(licence, "--licence") if licence else _NO_LICENCE

    made = record.read_record(model) or {}
    data = {
        entry["file"]: entry["digest"]
        for entry in made.get("rests_on", {}).get("files", [])
    }
    known = licences or {}
    manifest = {
        "format": FORMAT,
        "dataset": model.resolve().parents[2].name,
        "arm": card["arm"],
        "seed": card["seed"],
        "genes": len(card["genes"]),
        "has_graph": card["arguments"].get("adapter") is not None,
        "vocabulary_entries": len(entries),
        "aliases": len(others),
        "heldout": io.read_json(model / "heldout.json", "heldout"),
        "data": data,
        "licences": {
            name: known[digest] for name, digest in data.items() if digest in known
        },
        "use": use,
        "version": __version__,
    }
    with io.atomic(folder) as temporary:
        temporary.mkdir(parents=True)
        for name in MODEL:
            shutil.copyfile(model / name, temporary / name)
        write_bundle(bundle, temporary / GRAPH)
        io.write_json(entries, temporary / VOCABULARY, "vocabulary")
        if others:
            table = pd.DataFrame(list(others.items()), columns=["alias", "symbol"])
            io.write_table(table, temporary / ALIASES, "gene_aliases")
        io.write_json(manifest, temporary / MANIFEST, "model_bundle")
        text = describe(manifest, card, bundle.meta)
        (temporary / "README.md").write_text(text, encoding="utf-8")
        (temporary / "LICENCE.md").write_text(terms, encoding="utf-8")
        # as `sha256sum -c` reads it
        sums = [
            f"{sha256(file)}  {file.relative_to(temporary)}\n"
            for file in files_below(temporary)
        ]
        (temporary / SUMS).write_text("".join(sums), encoding="utf-8")
    return manifest


def open_model_bundle(
    folder: str | Path, vocabulary: str | Path | None = None
) -> ModelBundle:
    """Check a folder that `write_model_bundle` wrote.

    Parameters
    ----------
    vocabulary
        One that the data were named by; it must give the model's genes the same entries.

    Raises
    ------
    InputError
        If it is of another format, a file is missing or altered, or a vocabulary does not fit the model.
    """
    folder = Path(folder)
    check_is_bundle(folder)
    # no contract yet: another format may have other keys
    found = io.read_json(folder / MANIFEST).get("format")
    if found != FORMAT:
        raise InputError(
            f"{folder / MANIFEST} has the format {found}",
            f"format {FORMAT}, as this version of grnformer reads",
            "use the version of grnformer that its README.md names, or write the bundle again",
        )
    _check_sums(folder)
    manifest = io.read_json(folder / MANIFEST, "model_bundle")
    own = folder / VOCABULARY
    card = read_card(folder)
    for path in (own, vocabulary) if vocabulary else (own,):
        check_vocabulary(card, read_vocabulary(path), path)
    aliases = folder / ALIASES
    return ModelBundle(folder, manifest, own, aliases if aliases.exists() else None)


def bundle_of(
    model: str | Path, card: dict[str, Any], graph: str | Path | None
) -> Bundle:
    """The graph bundle of a model, whose card is given; `graph`: its folder, or None where it lies beside the model.

    Raises
    ------
    InputError
        If the bundle is not the model's.
    """
    mode = card["arm"]["graph"]
    if is_model_bundle(model):
        beside = Path(model) / GRAPH
    else:
        # <dataset>/pretrain/<arm>/seed<n>, and the bundle in <dataset>/fuse.
        folder = Path(model).resolve().parents[2] / "fuse"
        beside = folder / bundle_name(card["arm"])
    bundle_dir = graph or beside
    bundle = read_bundle(bundle_dir)

    # Genes are known by their place: another order would give them wrong edges.
    genes = bundle.graph.genes["gene"].tolist()
    if genes != card["genes"] or bundle.meta["mode"] != mode:
        raise InputError(
            f"the bundle {bundle_dir} (mode {bundle.meta['mode']}) is not the one {model} was trained on",
            f"the bundle of mode {mode} with the model's {len(card['genes'])} genes",
            "give the bundle of the same run",
        )
    return bundle


def check_vocabulary(
    card: Mapping[str, Any], entries: Mapping[str, int], source: str | Path
) -> None:
    """Raise InputError unless a vocabulary has the model's tokens, and gives its genes, where it has them, the same."""
    known = set(entries.values())
    wrong = [
        (gene, token)
        for gene, token in zip(card["genes"], card["tokens"], strict=True)
        if token not in known or entries.get(gene, token) != token
    ]
    if wrong:
        gene, token = wrong[0]
        raise InputError(
            f"{source}: {len(wrong)} of {len(card['genes'])} genes of the model have another entry, first {gene!r}, "
            f"which is {token} in the model and {entries.get(gene, 'none')} here",
            "the vocabulary that the model was trained with",
            "give that one, or leave it out: the model's own genes are known",
        )


def _check_sums(folder: Path) -> None:
    sums: dict[str, str] = {}
    for number, line in read_lines(folder / SUMS, "the model bundle"):
        found = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if not found:
            raise InputError(
                f"{folder / SUMS} line {number}: {line[:40]!r}",
                "a SHA-256 and a file's name",
                "bring the whole folder again",
            )
        sums[found[2]] = found[1]
    lacking = sorted(
        {name for name in _NEEDED if name not in sums}
        | {name for name in sums if not (folder / name).is_file()}
    )
    altered = [
        name
        for name, digest in sums.items()
        if name not in lacking and sha256(folder / name) != digest
    ]
    if lacking or altered:
        what = [f"missing: {', '.join(lacking)}"] * bool(lacking)
        what += [f"altered: {', '.join(altered)}"] * bool(altered)
        raise InputError(
            f"{folder}: {'; '.join(what)}",
            f"every file as {SUMS} has it",
            "bring the whole folder again, or write it again with `grnformer bundle`",
        )


def describe(
    manifest: Mapping[str, Any], card: Mapping[str, Any], graph: Mapping[str, Any]
) -> str:
    """The card as Markdown."""
    scores, arm = manifest["heldout"], manifest["arm"]
    rows = {
        "trained on": manifest["dataset"],
        "backbone": card["arguments"].get("backbone", {}).get("name", "?"),
        "size": f"{card['size']}, {scores['parameters']:,} parameters, {card['steps']:,} steps",
        "started from": card["checkpoint"] or "scratch",
        "graph": f"{arm['graph']} ({'read by an adapter' if manifest['has_graph'] else 'not read: no adapter'})",
        "edge perturbation": arm.get("perturbation", "none"),
        "genes": f"{manifest['genes']:,}",
        "cell types": ", ".join(card["cell_types"]),
        "seed": manifest["seed"],
        "grnformer": manifest["version"],
    }
    edges = ", ".join(f"{name} {number:,}" for name, number in graph["edges"].items())
    loss = f"{scores['loss']:.4g} {scores['loss_unit']}"
    metrics = {
        f"loss on {scores['heldout_cells']:,} held-out cells": loss,
        "of the gene's mean": f"{scores['baseline_loss']:.4g}",
        "of the mean in the cell's type": f"{scores['baseline_cell_type_loss']:.4g}",
    }
    for name, label in (
        ("factor_loss", "of factor analysis"),
        ("ridge_loss", "of ridge regression"),
    ):
        if scores[name] is not None:
            metrics[label] = f"{scores[name]:.4g}"
    files = [
        f"| {name} | {digest} | {manifest['licences'].get(name, 'not known here')} |"
        for name, digest in manifest["data"].items()
    ] or ["| not recorded | | |"]
    return "\n".join(
        [
            f"# {manifest['dataset']}, {arm['graph']}, seed {manifest['seed']}",
            "",
            f"**Use.** {manifest['use']}",
            "",
            "**Cells.** `reference.parquet` and `graph/` hold the names, embeddings and active eRegulons of the cells "
            "that the model was trained on. Pass the folder on only if these may be passed on.",
            "",
            *_table(("what", ""), rows),
            "",
            f"Edges of the graph: {edges or 'none'}.",
            "",
            "## Scores",
            "",
            *_table(("held-out cells", "value"), metrics),
            "",
            "`heldout.json` has all of them.",
            "",
            "## Data",
            "",
            "| file | content | licence |",
            "|---|---|---|",
            *files,
            "",
            "`model.json` has all settings and the record of what made the model.",
            "",
            "## Load it",
            "",
            "```python",
            "import grnformer as gf",
            "",
            'gf.embed(adata, "this_folder")  # adds obsm["X_grnformer"]',
            "```",
            "",
            "`sha256sum -c SHA256SUMS` checks the files, as loading does.",
            "",
        ]
    )


def _table(head: tuple[str, str], rows: Mapping[str, Any]) -> list[str]:
    body = [f"| {name} | {value} |" for name, value in rows.items()]
    return [f"| {head[0]} | {head[1]} |", "|---|---|", *body]
