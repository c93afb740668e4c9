"""The files behind a comparison of two networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grnformer.bench.compare import Networks
from grnformer.core import io
from grnformer.core.file_names import file_names


def read_networks(files: Mapping[str, Any], side: str) -> Networks:
    """Read what the stage grn left of one dataset.

    Parameters
    ----------
    files
        <side>_tf_gene, _eregulons, _cell_type (the folder), _cell_type_summary, _activity: a path; _accuracy (the
        summary of grn_accuracy) and _costs (benchmark files): a path, or a list that may be empty.
    side
        left or right.
    """
    import pandas as pd

    def one(name: str) -> str:
        return str(files[f"{side}_{name}"])

    def several(name: str) -> list[str]:
        paths = files[f"{side}_{name}"]
        return [paths] if isinstance(paths, str) else list(paths)

    # Types come from the summary: names of files are only safe forms of them.
    types = io.read_table(one("cell_type_summary"), "cell_type_summary")["cell_type"]
    return Networks(
        tf_gene=io.read_table(one("tf_gene"), "tf_gene"),
        eregulons=io.read_table(one("eregulons"), "eregulons"),
        cell_types={
            name: io.read_table(
                Path(one("cell_type")) / f"{stem}.parquet", "cell_type_grn"
            )
            for name, stem in file_names(types).items()
        },
        activity=io.read_anndata(one("activity"), "cell_activity"),
        # no file where the benchmark was not run
        accuracy=next(
            (io.read_table(path, "summary") for path in several("accuracy")), None
        ),
        costs={
            Path(path).stem: pd.read_csv(path, sep="\t") for path in several("costs")
        },
    )
