"""Score region-gene links and baselines against CRISPRi of the same cell line."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.link_accuracy.benchmark import score_links
    from grnformer.bench.summary import summarise_scores
    from grnformer.core import io
    from grnformer.core.text import read_frame

    given, params, out = snakemake.input, snakemake.params, snakemake.output
    resampled = {"n_resamples": params.n_resamples, "seed": params.seed}
    scores, coverage = score_links(
        io.read_modality(given.multiome, "atac", "multiome"),
        io.read_modality(given.multiome, "rna", "multiome").var_names,
        io.read_table(given.links, "region_gene"),
        io.read_table(given.eregulons, "eregulons"),
        read_frame(given.pairs, "bench.link_accuracy.pairs"),
        params.lines,
        least_distance=params.least_distance,
        **resampled,
    )
    io.write_table(scores, out.scores, "scores")
    io.write_table(summarise_scores(scores, **resampled), out.summary, "summary")
    io.write_table(coverage, out.coverage, "link_coverage")
