"""Set the perturbed genes of a screen in the cells of a pretrained model, one by one."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.bench.perturbation.set_genes import shifts_of_genes
    from grnformer.bench.perturbation_profiles.cells import perturbed_genes
    from grnformer.core import io
    from grnformer.infer.perturb.edit import edits_of

    torch.set_num_threads(snakemake.threads)
    given, settings = snakemake.input, snakemake.params.settings
    profiles = io.read_anndata(given.profiles, "perturbation_profiles")
    genes = perturbed_genes(profiles.obs["perturbation"])
    found = shifts_of_genes(
        Path(given.weights).parent,
        given.bundle,
        given.multiome,
        genes,
        edits_of(settings)[0],
        settings,
    )
    io.write_table(found, snakemake.output[0], "set_screen")
