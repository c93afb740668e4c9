"""Compare the arms of the ablation grid in held-out loss and every benchmark, corrected for their number."""

from grnformer.core.job import job

with job(snakemake):
    from pathlib import Path

    import pandas as pd

    from grnformer.bench.grid import compare_grid, heldout_scores
    from grnformer.core import io

    given, settings = snakemake.input, snakemake.params
    # .../<arm>/seed<seed>/heldout.json
    folders = {path: Path(path).parent for path in given.heldout}
    models = [
        {"arm": folder.parent.name, "seed": int(folder.name.removeprefix("seed"))}
        | io.read_json(path, "heldout")
        for path, folder in folders.items()
    ]
    tables = [io.read_table(path, "scores") for path in given.scores]
    scores = pd.concat([heldout_scores(models), *tables], ignore_index=True)
    table = compare_grid(
        scores, settings.arms, settings.n_resamples, settings.seed, settings.backbone
    )
    io.write_table(table, snakemake.output[0], "grid")
