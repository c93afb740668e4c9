"""From the files of the stages to the sections of the page."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grnformer.core import io
from grnformer.graph.bundle import read_bundle
from grnformer.grn.cell_type import file_names
from grnformer.report.attention import attention_section, missing_attention
from grnformer.report.benchmarks import benchmark_section, pairs_of_arms, pairs_of_networks
from grnformer.report.comparison import comparison_section
from grnformer.report.corpora import corpus_section
from grnformer.report.fusion import fusion_section
from grnformer.report.measured import measured_section
from grnformer.report.networks import networks_section
from grnformer.report.overview import overview_section
from grnformer.report.provenance import provenance_sections
from grnformer.report.quality import quality_section
from grnformer.report.stability import stability_section
from grnformer.report.topics import topics_section
from grnformer.report.training import training_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from grnformer.report.page import Section

log = logging.getLogger("grnformer.report")


def gather_sections(
    files: dict[str, list[str]],
    *,
    config: dict[str, Any],
    configs: dict[str, dict[str, Any]],
    samples: list[dict[str, str]],
    registry: dict[str, Any],
    commit: str,
    corpora: Sequence[str] = (),
) -> list[Section]:
    """Read the outputs of all stages and make the page's sections of them.

    Parameters
    ----------
    files
        Name of the rule's input (``qc``, ``multiome``, ...) -> its files, of all datasets.
    config
        The whole configuration.
    configs
        Dataset -> the configuration with its own settings, in the order shown.
    samples
        Rows of the sample sheet.
    registry
        The resource registry.
    commit
        State of the checkout (`git_commit`).
    corpora
        Those that models are trained on.
    """
    sections: list[Section] = []
    for dataset, of_dataset_config in configs.items():
        log.info("sections of %s", dataset)
        of_dataset = {name: [f for f in paths if not _of_another(f, dataset)] for name, paths in files.items()}
        sections += _dataset_sections(dataset, of_dataset, of_dataset_config)
    for corpus in corpora:
        of_corpus = {name: [f for f in paths if not _of_another(f, corpus)] for name, paths in files.items()}
        sections += _corpus_sections(corpus, of_corpus, config)
    for path in files.get("comparisons", []):
        sections.append(comparison_section(io.read_table(path, "network_comparison"), configs))
    benchmarks = {path: _read_benchmark(path) for path in files["benchmarks"]}
    sections += provenance_sections(config, configs, samples, registry, benchmarks, commit)
    measured = measured_section(files.get("measured", []))
    return [*sections, measured] if measured else sections


def _of_another(path: str, dataset: str) -> bool:
    """Whether a file lies in the results of another dataset, and not in those of the whole run."""
    owner = Path(path).parts[1]
    return owner not in (dataset, "bench")


def _dataset_sections(dataset: str, files: dict[str, list[str]], config: dict[str, Any]) -> list[Section]:
    settings = config["report"]
    multiome = files["multiome"][0]
    rna = io.read_modality(multiome, "rna", "multiome")
    region_sets = io.read_table(files["region_sets"][0], "region_sets")
    activity = io.read_anndata(files["activity"][0], "cell_activity")
    prep = io.read_json(files["prep_summary"][0], "prep_summary")
    eregulons = io.read_table(files["eregulons"][0], "eregulons")
    sizes = io.read_table(files["cell_type_summary"][0], "cell_type_summary")
    networks = {
        name: io.read_table(Path(files["cell_type"][0]) / f"{stem}.parquet", "cell_type_grn")
        for name, stem in file_names(sizes["cell_type"]).items()
    }
    sections = [
        quality_section(
            dataset,
            qc=io.read_table(files["qc"][0], "cell_qc"),
            dropped=io.read_table(files["dropped"][0], "dropped"),
            markers=io.read_table(files["markers"][0], "markers"),
            rna=rna,
            summary=prep,
            umap=io.read_shared_embedding(multiome, "X_umap"),
            limits=config["prep"]["cells"],
            settings=settings,
            fragments=_fragments(files.get("fragment_qc", [])),
            bounds=config["prep"]["fragments"],
        ),
        topics_section(
            dataset,
            io.read_table(files["topic_selection"][0], "topic_selection"),
            io.read_table(files["cell_topic"][0], "cell_topic"),
            region_sets,
            rna.obs["cell_type"].astype(str),
            settings["max_heatmap_cells"],
            settings["seed"],
        ),
        networks_section(
            dataset,
            eregulons=eregulons,
            activity=activity,
            specificity=io.read_table(files["specificity"][0], "specificity"),
            thresholds=io.read_table(files["thresholds"][0], "thresholds"),
            funnel=io.read_table(files["funnel"][0], "funnel"),
            networks=networks,
            sizes=sizes,
            rna=rna,
            settings=settings,
            quality=io.read_table(path, "eregulon_quality") if (path := _first(files, "eregulon_quality")) else None,
        ),
    ]
    if path := _first(files, "stability"):
        least = config["grn"]["stability"]["min_frequency"]
        sections.append(stability_section(dataset, io.read_table(path, "stability"), eregulons, least))
    graphs = None
    if files["training"]:
        bundles, pretrain = {Path(f).name: read_bundle(f) for f in files["graphs"]}, config["pretrain"]
        share, power = pretrain["perturbed_fraction"], pretrain["perturbed_degree_power"]
        graphs = fusion_section(dataset, bundles, rna, share, power, settings["seed"])
    del rna, activity
    if graphs is not None:
        sections.append(graphs)
        sections.append(
            training_section(
                dataset, _curves(files["training"]), _heldout(files["heldout"]), config["pretrain"]["arms"]
            )
        )
        sections.append(_attention(dataset, files.get("attention", []), config))
    arms = config["pretrain"]["arms"]
    about = {
        "grn_accuracy": io.read_table(path, "grn_truth") if (path := _first(files, "grn_truth")) else None,
        "drug_response": io.read_table(path, "screen_counts") if (path := _first(files, "screen_counts")) else None,
    }
    for benchmark in ("grn_accuracy", "drug_response"):
        scores, summary = _scores(files.get(f"{benchmark}_scores"), files.get(f"{benchmark}_summary"))
        if benchmark == "drug_response" and not files["training"]:
            continue
        pairs = pairs_of_arms(arms) if benchmark == "drug_response" else pairs_of_networks(summary)
        sections.append(benchmark_section(dataset, benchmark, scores, summary, pairs, settings, about.get(benchmark)))
    return [overview_section(dataset, prep, eregulons, sizes, sections), *sections]


def _attention(dataset: str, paths: list[str], config: dict[str, Any]) -> Section:
    """Section of the adapters' attention; tables lie in .../attention/<arm>/<table>.<ext>."""
    import pandas as pd

    arms = config["pretrain"]["arms"]
    if not paths:
        return missing_attention(dataset, arms)
    parts: dict[str, list[pd.DataFrame]] = {}
    for path in map(Path, paths):
        table = io.read_table(path, f"attention_{path.stem}").assign(arm=path.parent.name)
        parts.setdefault(path.stem, []).append(table)
    tables = {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}
    return attention_section(dataset, tables, pairs_of_arms(arms), config["attention"]["degree_bins"])


def _corpus_sections(corpus: str, files: dict[str, list[str]], config: dict[str, Any]) -> list[Section]:
    import pandas as pd

    arms = config["pretrain"]["arms"]
    meta = io.read_json(Path(files["graphs"][0]) / "meta.json", "graph_meta")
    scored = [
        _model(path) | {"source": source} | scores
        for path in files["heldout"]
        for source, scores in io.read_json(path, "heldout").get("datasets", {}).items()
    ]
    sections = [
        corpus_section(corpus, meta, pd.DataFrame(scored)),
        training_section(corpus, _curves(files["training"]), _heldout(files["heldout"]), arms),
    ]
    scores, summary = _scores(files.get("drug_response_scores"), files.get("drug_response_summary"))
    if scores is not None:
        counts = io.read_table(path, "screen_counts") if (path := _first(files, "screen_counts")) else None
        pairs = pairs_of_arms(arms)
        settings = config["report"]
        sections.append(benchmark_section(corpus, "drug_response", scores, summary, pairs, settings, counts))
    return sections


def _first(files: dict[str, list[str]], name: str) -> str | None:
    return next(iter(files.get(name, [])), None)


def _scores(scores: list[str] | None, summary: list[str] | None) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    if not scores or not summary:
        return None, None
    return io.read_table(scores[0], "scores"), io.read_table(summary[0], "summary")


def _fragments(paths: list[str]) -> pd.DataFrame | None:
    """Quality of the barcodes of all samples given as fragments, or None where there are none."""
    import pandas as pd

    return pd.concat([io.read_table(p, "fragment_qc") for p in paths], ignore_index=True) if paths else None


def _curves(paths: list[str]) -> pd.DataFrame:
    """Training tables below each other; arm and seed come from the path .../<arm>/seed<seed>/training.tsv."""
    import pandas as pd

    return pd.concat([io.read_table(p, "training").assign(**_model(p)) for p in paths], ignore_index=True)


def _heldout(paths: list[str]) -> pd.DataFrame:
    import pandas as pd

    rows = [_model(p) | io.read_json(p, "heldout") for p in paths]
    return pd.DataFrame([{key: value for key, value in row.items() if key != "datasets"} for row in rows])


def _model(path: str) -> dict[str, Any]:
    folder = Path(path).parent
    return {"arm": folder.parent.name, "seed": int(folder.name.removeprefix("seed"))}


def _read_benchmark(path: str) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(path, sep="\t")
