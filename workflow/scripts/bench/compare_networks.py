"""Networks of two datasets of the same cells beside each other."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.compare import compare_networks
    from grnformer.bench.compare_files import read_networks
    from grnformer.core.io import write_table

    files, names = dict(snakemake.input.items()), snakemake.wildcards
    table = compare_networks(
        read_networks(files, "left"),
        read_networks(files, "right"),
        (names.left, names.right),
    )
    write_table(table, snakemake.output[0], "network_comparison")
