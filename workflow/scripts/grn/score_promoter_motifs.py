"""Log odds that each TF binds each gene's promoter: occupancy of its motifs against background sequences."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core import io
    from grnformer.genome.collections import read_collections
    from grnformer.genome.occupancy import score_promoters
    from grnformer.genome.promoters import read_promoters
    from grnformer.genome.target_tables import read_target_tables

    given, settings = snakemake.input, dict(snakemake.params.settings)
    rna = io.read_modality(given.multiome, "rna", "filtered_cells", "names")
    genes = rna.var_names.tolist()
    min_genes = settings.pop("min_genes")
    fraction = settings.pop("background_fraction")
    # without sequences, tables of targets speak alone
    promoters, motifs = None, []
    if given.promoters:
        promoters = read_promoters(given.promoters, genes, min_genes=min_genes)
        motifs = read_collections(given.motifs, given.tfs, background_fraction=fraction)
    binding, targets = score_promoters(
        promoters,
        motifs,
        genes,
        read_target_tables(given.tables, genes),
        seed=snakemake.params.seed,
        **settings,
    )
    io.write_table(binding, snakemake.output.binding, "promoter_binding")
    io.write_table(targets, snakemake.output.targets, "promoter_targets")
