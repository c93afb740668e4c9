"""Render the page and its tables from the outputs of all stages."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    from grnformer.report.gather import gather_sections
    from grnformer.report.page import collect_tables, render_page, write_report

    settings = snakemake.params
    sections = gather_sections(
        {
            name: list(paths) if not isinstance(paths, str) else [paths]
            for name, paths in snakemake.input.items()
        },
        Path(snakemake.output.page).parents[1],
        config=settings.config,
        configs=settings.configs,
        samples=settings.samples,
        registry=settings.registry,
        commit=settings.commit,
        corpora=settings.corpora,
    )
    template = Path(snakemake.input.template).read_text(encoding="utf-8")
    page = render_page(
        settings.config["report"]["title"],
        settings.config["report"]["lead"],
        sections,
        template,
    )
    write_report(
        page, collect_tables(sections), snakemake.output.page, snakemake.output.tables
    )
