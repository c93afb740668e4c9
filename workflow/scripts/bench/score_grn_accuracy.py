"""Score inferred networks, floors and controls against ChIP-seq targets of the same cell line."""

from grnformer.job import job

with job(snakemake):
    from pathlib import Path

    from grnformer import io
    from grnformer.bench.grn_accuracy.benchmark import score_networks, split_prior
    from grnformer.bench.summary import summarise_scores
    from grnformer.grn.prior import prepare_prior, read_prior
    from grnformer.grn.tfs import read_tf_list

    given, settings, seed = snakemake.input, snakemake.params.settings, snakemake.params.seed
    rna, atac = (io.read_modality(given.multiome, modality, "multiome") for modality in ("rna", "atac"))
    tss, tf_gene = io.read_table(given.tss, "tss"), io.read_table(given.tf_gene, "tf_gene")
    networks = {f.stem: io.read_table(f, "cell_type_grn") for f in sorted(Path(given.cell_type).glob("*.parquet"))}
    chip = settings["chip_sources"]
    priors = split_prior(prepare_prior(read_prior(given.prior), collections=[], chip_sources=chip, chip="keep"), chip)
    truth, tfs = io.read_json(given.truth), set(read_tf_list(given.tfs))
    scores, experiments = score_networks(rna, atac, tss, networks, tf_gene, priors, truth, tfs, settings, seed)
    summary = summarise_scores(scores, n_resamples=snakemake.params.n_resamples, seed=seed)
    io.write_table(scores, snakemake.output.scores, "scores")
    io.write_table(summary, snakemake.output.summary, "summary")
    io.write_table(experiments, snakemake.output.truth, "grn_truth")
