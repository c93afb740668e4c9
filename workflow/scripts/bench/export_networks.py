"""Write the eRegulons in the forms of geneRNIB and gretapy."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.grn_accuracy.formats import to_genernib, to_gretapy
    from grnformer.core import io
    from grnformer.grn.cell_type.edges import merge_eregulons

    out = snakemake.output
    triplets = io.read_table(snakemake.input.eregulons, "eregulons")
    edges = merge_eregulons(triplets)
    network = to_genernib(edges, snakemake.wildcards.dataset)
    io.write_anndata(network, out.genernib, "genernib_network")
    io.write_table(to_gretapy(triplets, edges), out.gretapy, "gretapy_network")
