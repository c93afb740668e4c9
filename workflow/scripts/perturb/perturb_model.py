"""Set genes in the cells of each type, through one pretrained model."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.core import io
    from grnformer.infer.perturb.edit import edits_of
    from grnformer.infer.perturb.trained import perturb_model

    torch.set_num_threads(snakemake.threads)
    given, out, params = snakemake.input, snakemake.output, snakemake.params
    found = perturb_model(
        Path(given.weights).parent,
        given.bundle,
        given.multiome,
        params.genes,
        edits_of(params.settings),
        params.settings,
        params.settings["cell_types"],
    )
    io.write_table(found.shifts, out.genes, "set_genes")
    io.write_table(found.cells, out.cells, "set_cells")
