"""Region-gene links: Spearman correlation and boosting importance of every region in a gene's window."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_modality, read_table, write_table
    from grnformer.grn.inputs import align_topics, take_regions
    from grnformer.grn.region_gene.link import link_regions
    from grnformer.grn.region_gene.signal import Data

    rna = read_modality(snakemake.input.multiome, "rna", "filtered_cells")
    atac = read_modality(snakemake.input.multiome, "atac", "filtered_cells", "X")
    cell_topic = read_table(snakemake.input.cell_topic, "cell_topic")
    region_topic = read_table(snakemake.input.region_topic, "region_topic")
    atac = take_regions(atac, region_topic)
    topics = align_topics(cell_topic, region_topic, rna.obs_names, atac.var_names)
    data = Data(rna.X.tocsr(), rna.layers["counts"].tocsr(), atac.X.tocsr(), *topics)
    regions = atac.var[["chrom", "start", "end"]].rename_axis("region").reset_index()
    tss = read_table(snakemake.input.tss, "tss")
    settings = {"seed": snakemake.params.seed, **snakemake.params.settings}
    write_table(
        link_regions(data, list(rna.var_names), regions, tss, **settings),
        snakemake.output[0],
        "region_gene",
    )
