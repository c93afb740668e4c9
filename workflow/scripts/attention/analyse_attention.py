"""Analyse the attention of one arm's adapters, of all seeds, in held-out cells."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.bench.attention.analyse import analyse_models
    from grnformer.core import io

    torch.set_num_threads(snakemake.threads)
    inputs, params = snakemake.input, snakemake.params
    tables = analyse_models(
        [str(Path(card).parent) for card in inputs.cards],
        inputs.bundle,
        inputs.multiome,
        inputs.split,
        inputs.networks,
        params.settings,
        params.size,
        checkpoint=inputs.checkpoint or None,
    )
    for name, path in snakemake.output.items():
        io.write_table(tables[name], path, f"attention_{name}")
