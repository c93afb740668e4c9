"""Find the tissue of each line of the drug screen."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.drug_response.tissues import COLUMN, match_tissues
    from grnformer.core import io

    lines = io.read_anndata(snakemake.input.expression, "line_expression").obs_names
    annotations = io.read_delimited(snakemake.input.annotations, "\t", [COLUMN])
    table = match_tissues(annotations, lines)
    io.write_table(table, snakemake.output[0], "line_tissues")
