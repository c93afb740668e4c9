"""Embed cells, or bulk profiles, by a pretrained model; their graphs come from the nearest pretraining cells."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import torch

    from grnformer.core.stored import annotate_anndata, read_lazily
    from grnformer.infer.embed import embed

    torch.set_num_threads(snakemake.threads)
    inputs = snakemake.input
    found = embed(
        read_lazily(inputs.cells),
        Path(inputs.weights).parent,
        inputs.bundle,
        settings=snakemake.params.settings,
        vocabulary=inputs.vocabulary,
        aliases=inputs.get("aliases") or None,
        bulk=snakemake.params.bulk,
    )
    added = {
        "obs": found.obs,
        "obsm": {"X_grnformer": found.embedding},
        "uns": {"grnformer": found.made_by},
    }
    annotate_anndata(inputs.cells, snakemake.output[0], "embedded_cells", **added)
