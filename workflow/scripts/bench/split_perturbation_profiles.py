"""Split a screen's perturbations by the genes that are perturbed."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.perturbation_profiles.cells import CONTROL
    from grnformer.bench.perturbation_profiles.split import split_perturbations
    from grnformer.core import io

    params = snakemake.params
    profiles = io.read_anndata(snakemake.input[0], "perturbation_profiles")
    names = sorted(set(profiles.obs["perturbation"]) - {CONTROL})
    kind = snakemake.wildcards.held_out
    table = split_perturbations(names, kind, params.n_folds, params.seed)
    io.write_table(table, snakemake.output[0], "perturbation_split")
