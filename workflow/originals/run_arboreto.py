"""TF-gene importance by arboreto: GRNBoost2 or GENIE3, target by target, shared out to processes without Dask.

Huynh-Thu et al. 2010, doi 10.1371/journal.pone.0012776; Moerman et al. 2019, doi 10.1093/bioinformatics/bty916.
Every target is fitted with the same seed, as arboreto does: the result does not depend on the number of processes.
"""

from multiprocessing import get_context

import original
import stop_rule

CHUNK = 20  # targets handed to a process at a time
_shared = {}


def regressor_of(settings):
    """Return arboreto's kind of regressor and its arguments."""
    own = settings[settings["method"]]
    if settings["method"] == "arboreto_genie3":
        return "RF", {
            "n_jobs": 1,
            "n_estimators": own["n_trees"],
            "max_features": own["max_features"],
        }
    names = {
        "learning_rate": "learning_rate",
        "n_trees": "n_estimators",
        "max_features": "max_features",
    }
    return "GBM", {
        **{theirs: own[ours] for ours, theirs in names.items()},
        "subsample": own["subsample"],
    }


def fit_target(column):
    """Return arboreto's links into one gene, best first."""
    from arboreto.core import clean, fit_model, to_links_df

    kind, arguments = _shared["regressor"]
    gene = _shared["genes"][column]
    matrix, tfs = clean(_shared["tf_matrix"], _shared["tfs"], gene)
    target = _shared["expression"][:, column].toarray().ravel()
    model = fit_model(
        kind, arguments, matrix, target, _shared["window"], _shared["seed"]
    )
    return to_links_df(kind, arguments, model, tfs, gene)


def fit_targets(expression, genes, tf_columns, targets, settings, seed, threads):
    """Return TF, target, importance for some columns of `expression` (cells x genes, CSC, log1p)."""
    import arboreto.core
    import numpy as np
    import pandas as pd
    import sklearn

    kept = stop_rule.monitor_class(sklearn.__version__)
    if kept is not None:
        original.say(
            f"scikit-learn {sklearn.__version__}: arboreto's stop rule is restored"
        )
        arboreto.core.EarlyStopMonitor = kept
    _shared.update(
        expression=expression,
        genes=genes,
        tf_matrix=expression[:, tf_columns].toarray().astype(np.float64),
        tfs=[genes[column] for column in tf_columns],
        regressor=regressor_of(settings),
        window=settings[settings["method"]].get("stop_window", 0),
        seed=seed,
    )
    original.say(
        f"{settings['method']}: {len(targets)} targets, {len(tf_columns)} TFs, {expression.shape[0]} cells"
    )
    if threads == 1:
        parts = [fit_target(column) for column in targets]
    else:
        with get_context("fork").Pool(threads) as pool:
            parts = pool.map(fit_target, targets, chunksize=CHUNK)
    return pd.concat(parts, ignore_index=True)


def infer_network(counts, genes, tfs, settings, seed, threads):
    """Return TF, target, importance for all genes detected in enough cells.

    `counts` is cells x genes (log1p, sparse); TFs and targets are those detected in `min_cells` cells.
    """
    import numpy as np

    expression = counts.tocsc(copy=True)
    expression.eliminate_zeros()
    detected = np.flatnonzero(expression.getnnz(axis=0) >= settings["min_cells"])
    wanted = set(tfs)
    columns = [column for column in detected if genes[column] in wanted]
    if not columns:
        raise original.WrongInputError(
            f"none of {len(wanted)} TFs is detected in {settings['min_cells']} cells",
            "TFs under the gene names of the data",
            "check grn.tfs.lists, or lower grn.tf_gene.min_cells",
        )
    if len(columns) == 1:  # a TF is no predictor of itself
        detected = detected[detected != columns[0]]
    return fit_targets(expression, genes, columns, detected, settings, seed, threads)


def main():
    arguments = original.read_arguments(
        "multiome", "tfs", "settings", "seed", "threads", "log", "output"
    )
    with original.job(arguments.log):
        with open(arguments.tfs, encoding="utf-8") as handle:
            tfs = handle.read().splitlines()
        counts, _, genes = original.read_modality(arguments.multiome, "rna")
        links = infer_network(
            counts, genes, tfs, arguments.settings, arguments.seed, arguments.threads
        )
        links.columns = ["tf", "gene", "importance"]
        original.write_parquet(links, arguments.output)


if __name__ == "__main__":
    main()
