"""Pretrain one arm with one seed, in one process or several; goes on from its newest whole checkpoint."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.train.run import start_run

    inputs, params, resources = snakemake.input, snakemake.params, snakemake.resources
    paths = {
        name: inputs.get(name) or None
        for name in ("checkpoint", "medians", "vocabulary")
    }
    paths |= {name: inputs[name] for name in ("split", "bundle")}
    members = [*params.members, *params.files]  # of a corpus
    cells = [*inputs.multiomes, *inputs.files]
    paths["multiome"] = dict(zip(members, cells, strict=True)) if members else cells[0]
    how = {
        "arm": params.arm,
        "settings": params.settings,
        "checkpoints": f"{params.folder}/checkpoint",
    }
    how |= {
        "seed": int(snakemake.wildcards.seed),
        "threads": snakemake.threads,
        "outputs": dict(snakemake.output.items()),
    }
    start_run(
        paths | how,
        processes=max(resources.processes, resources.gpu),
        nodes=resources.nodes,
        gpus=resources.gpu,
    )
