"""Log odds that each TF binds each gene's promoter: occupancy of its motifs against background sequences."""

from grnformer.job import job

with job(snakemake):
    from grnformer import io
    from grnformer.grn.binding.collections import read_collections
    from grnformer.grn.binding.odds import score_promoters
    from grnformer.grn.binding.promoters import read_promoters

    given, settings = snakemake.input, snakemake.params.settings
    genes = io.read_modality(given.multiome, "rna", "multiome").var_names.tolist()
    promoters = read_promoters(given.promoters, genes, min_genes=settings["min_genes"])
    motifs = read_collections(given.motifs, given.tfs, background_share=settings["background_share"])
    scores = score_promoters(promoters, motifs, genes, n_bins=settings["n_bins"], seed=snakemake.params.seed)
    io.write_table(scores, snakemake.output[0], "promoter_binding")
