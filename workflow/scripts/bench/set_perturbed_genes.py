"""Set the tested genes of a screen in the cells of a pretrained model, one by one."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.bench.perturbation.labels import read_labels, tested_genes
    from grnformer.bench.perturbation.set_genes import shifts_of_genes
    from grnformer.core import io
    from grnformer.infer.perturb.edit import edits_of

    torch.set_num_threads(snakemake.threads)
    given, settings = snakemake.input, snakemake.params.settings
    genes = tested_genes(read_labels(path) for path in given.labels)
    found = shifts_of_genes(
        Path(given.weights).parent,
        given.bundle,
        given.multiome,
        genes,
        edits_of(settings)[0],
        settings,
    )
    io.write_table(found, snakemake.output[0], "set_screen")
