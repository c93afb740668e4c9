"""From the files of a job of the report to its page and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grnformer.report.gather import gather_sections
from grnformer.report.page import collect_tables, render_page, write_report


def results_of(path: str | Path, config: dict[str, Any], stage: str = "") -> Path:
    """The folder of all results, by the path of a file in that of the report (``report.name``), or of a stage in it."""
    return Path(path).parents[1 + bool(config["report"]["name"]) + bool(stage)]


def render(given: Any, output: Any, settings: Any, stage: str = "") -> None:
    """Write the page.

    Parameters
    ----------
    given
        Snakemake's input: by the names that `gather_sections` knows, and ``template``.
    output
        ``page``, in a folder of the report's, and ``tables``.
    settings
        Params: ``config, configs, samples, registry, commit, corpora``.
    stage
        The last that was run, if not all were.
    """
    files = {
        name: [paths] if isinstance(paths, str) else list(paths)
        for name, paths in given.items()
    }
    page = Path(output.page)
    sections = gather_sections(
        files,
        results_of(page, settings.config, stage),
        config=settings.config,
        configs=settings.configs,
        samples=settings.samples,
        registry=settings.registry,
        commit=settings.commit,
        corpora=settings.corpora,
        stage=stage,
    )
    texts, title = settings.config["report"], settings.config["report"]["title"]
    html = render_page(
        f"{title}: after the stage {stage}" if stage else title,
        texts["lead"],
        sections,
        Path(given.template).read_text(encoding="utf-8"),
    )
    write_report(html, collect_tables(sections), page, output.tables)
