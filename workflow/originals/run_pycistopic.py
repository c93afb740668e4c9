"""Topics by pycisTopic: its run_cgs_model (collapsed Gibbs), for all cells and without the held-out ones.

Bravo Gonzalez-Blas et al. 2023, doi 10.1038/s41592-023-01938-4. The function that run_cgs_models hands to Ray is called
by itself: the same numbers, without Ray's start.
"""

import original


def hold_out(n_cells, fraction, seed):
    """Return which cells are held out; the same for every topic count and every version of numpy."""
    import numpy as np

    held_out = np.zeros(n_cells, dtype=bool)
    held_out[
        np.random.RandomState(seed).permutation(n_cells)[
            : max(1, round(fraction * n_cells))
        ]
    ] = True
    return held_out


def fit(matrix, cells, regions, n_topics, options, seed):
    """Return pycisTopic's model; `matrix` is cells x regions, binary."""
    from pycisTopic.lda_models import run_cgs_model

    return run_cgs_model._function(
        matrix,
        n_topics=n_topics,
        cell_names=cells,
        region_names=regions,
        n_iter=options["n_iterations"],
        random_state=seed,
        alpha=options["alpha"],
        alpha_by_topic=True,
        eta=options["eta"],
        eta_by_topic=False,
    )


def tables_of(model, n_topics):
    """Return the tables of one model: cells x topics and regions x topics."""
    original.say(f"pycisTopic's metrics: {model.metrics.iloc[0].to_dict()}")
    names = [f"topic_{topic + 1}" for topic in range(n_topics)]
    tables = {"cell": model.cell_topic.T, "region": model.topic_region}
    return {
        key: table.set_axis(names, axis=1)
        .rename_axis(key)
        .reset_index()
        .rename_axis(None, axis=1)
        for key, table in tables.items()
    }


def fit_all(counts, cells, regions, n_topics, settings, seed):
    """Return the model of all cells and that of the cells that are not held out; `counts` is cells x regions."""
    import numpy as np

    binary = (counts != 0).tocsr()
    kept = np.flatnonzero(binary.getnnz(axis=0) >= settings["min_cells"])
    binary, regions = (
        binary[:, kept].astype(np.int32),
        [regions[column] for column in kept],
    )
    binary.sort_indices()
    held_out = hold_out(len(cells), settings["evaluation"]["heldout_cells"], seed)
    if min((~held_out).sum(), len(regions)) < n_topics:
        raise original.WrongInputError(
            f"{n_topics} topics for {len(cells)} cells ({held_out.sum()} held out) x {len(regions)} regions",
            "fewer topics than cells and regions",
            "lower topics.n_topics",
        )
    original.say(
        f"{len(cells)} cells ({held_out.sum()} held out) x {len(regions)} regions"
    )
    partial_cells = [cell for cell, out in zip(cells, held_out, strict=True) if not out]
    options = settings["pycistopic"]
    return (
        tables_of(fit(binary, cells, regions, n_topics, options, seed), n_topics),
        tables_of(
            fit(binary[~held_out], partial_cells, regions, n_topics, options, seed),
            n_topics,
        ),
    )


def main():
    outputs = (
        "cell_topic",
        "region_topic",
        "partial_cell_topic",
        "partial_region_topic",
    )
    arguments = original.read_arguments(
        "multiome", "topics", "settings", "seed", "log", *outputs
    )
    with original.job(arguments.log):
        counts, cells, regions = original.read_modality(arguments.multiome, "atac")
        model, partial = fit_all(
            counts,
            cells,
            regions,
            int(arguments.topics),
            arguments.settings,
            arguments.seed,
        )
        tables = (model["cell"], model["region"], partial["cell"], partial["region"])
        for name, table in zip(outputs, tables, strict=True):
            original.write_parquet(table, getattr(arguments, name))


if __name__ == "__main__":
    main()
