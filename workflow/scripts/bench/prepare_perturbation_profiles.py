"""Average the cells of each perturbation: all of them, and the halves that are scored and that are not."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.perturbation_profiles import profiles
    from grnformer.bench.perturbation_profiles.cells import read_perturbed_cells
    from grnformer.core import io

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    cells = read_perturbed_cells(given.cells, params.entry, given.sheet or None)
    scored = profiles.halve_cells(cells, params.seed)
    averaged = profiles.average_cells(cells, scored, params.least_cells)
    io.write_anndata(averaged, out.profiles, "perturbation_profiles")
    controls = profiles.control_expression(cells, scored)
    io.write_table(controls, out.controls, "control_expression")
