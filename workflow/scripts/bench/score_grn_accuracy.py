"""Score inferred networks, baselines and controls against ChIP-seq targets of the same cell line."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.grn_accuracy.benchmark import score_networks, split_prior
    from grnformer.bench.grn_accuracy.formats import read_network
    from grnformer.bench.summary import summarise_scores
    from grnformer.core import io
    from grnformer.core.file_names import file_names
    from grnformer.grn.prior import prepare_prior, read_prior
    from grnformer.grn.tfs import read_tf_list

    given, params = snakemake.input, snakemake.params
    rna, atac = (
        io.read_modality(given.multiome, modality, "multiome")
        for modality in ("rna", "atac")
    )
    tss, tf_gene = (
        io.read_table(given.tss, "tss"),
        io.read_table(given.tf_gene, "tf_gene"),
    )
    files = {
        t: f"{given.cell_type}/{f}.parquet"
        for t, f in file_names(sorted(set(rna.obs["cell_type"]))).items()
    }
    networks = {
        t: io.read_table(files[t], "cell_type_grn") for t in params.lines if t in files
    }
    pairs = prepare_prior(
        read_prior(given.prior),
        collections=[],
        chip_sources=params.chip_sources,
        chip="keep",
    )
    priors, tfs = split_prior(pairs, params.chip_sources), set(read_tf_list(given.tfs))
    binding = (
        io.read_table(given.binding, "promoter_binding") if given.binding else None
    )
    links = io.read_table(given.links, "region_gene") if given.links else None
    data = (
        rna,
        atac,
        tss,
        networks,
        tf_gene,
        priors,
        binding,
        links,
        io.read_json(given.truth, "chip_targets"),
        tfs,
    )
    scores, experiments = score_networks(
        *data,
        params.lines,
        params.settings,
        params.seed,
        others={
            name: read_network(path)
            for name, path in zip(params.networks, given.networks, strict=True)
        },
    )
    summary = summarise_scores(scores, n_resamples=params.n_resamples, seed=params.seed)
    io.write_table(scores, snakemake.output.scores, "scores")
    io.write_table(summary, snakemake.output.summary, "summary")
    io.write_table(experiments, snakemake.output.truth, "grn_truth")
