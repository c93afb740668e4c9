"""Section of a corpus: what each of its datasets brings, and the held-out loss on each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnformer.report.page import Block, Note, Section, Table

if TYPE_CHECKING:
    import pandas as pd

_LABELS = {
    "source": "dataset or file",
    "cells": "cells (n)",
    "genes": "genes of the graph that are measured (n)",
    "cell_types": "cell types (n)",
    "eregulons": "eRegulons (n)",
    "cells_without_network": "cells whose type has no network (n)",
}
_HELDOUT = {
    "source": "dataset or file",
    "seeds": "seeds (n)",
    "loss": "held-out loss",
    "loss_unit": "unit of losses",
    "baseline_loss": "baseline: gene's mean or fraction",
    "baseline_cell_type_loss": "baseline: that in the type",
    "heldout_cells": "held-out cells (n)",
}


def corpus_section(corpus: str, meta: dict[str, Any], heldout: pd.DataFrame) -> Section:
    """Section of what a corpus is made of.

    Parameters
    ----------
    meta
        Of a joint bundle (contract ``graph_meta``).
    heldout
        One row an arm, seed and dataset: arm, seed, source, and the keys that contract ``heldout`` has for a dataset.
    """
    import pandas as pd

    rows = [
        {
            "source": name,
            "cells": one["cells"],
            "genes": one["genes"],
            "cell_types": len(one["cell_types"]),
            "eregulons": one["eregulons"][1] - one["eregulons"][0],
            "cells_without_network": one["cells_without_network"],
        }
        for name, one in meta["datasets"].items()
    ]
    cells, lone = (sum(row[key] for row in rows) for key in ("cells", "cells_without_network"))
    text = f"{corpus}: {cells:,} cells of {len(rows)} datasets and files, {meta['genes']:,} genes in the joint graph."
    if lone:
        text += f" {lone:,} cells are of types without a network and have no edges."
    blocks: list[Block] = [
        Note(text),
        Table(
            "corpus_sources",
            pd.DataFrame(rows),
            "What each dataset brings. A gene that a dataset has not measured is no token of its cells; eRegulons are "
            "told active in the cells of their own dataset alone.",
            _LABELS,
        ),
    ]
    if len(heldout):
        grouped = heldout.groupby(["arm", "source"], sort=False)
        means = ("loss", "baseline_loss", "baseline_cell_type_loss", "heldout_cells")
        scores = {"loss_unit": ("loss_unit", "first")} | {key: (key, "mean") for key in means}
        table = grouped.agg(seeds=("seed", "nunique"), **scores).reset_index()
        table = table.astype({"heldout_cells": int})
        caption = "Held-out loss of each arm on the cells of each dataset, mean over seeds."
        blocks.append(Table("corpus_heldout", table, caption, _HELDOUT))
    return Section("corpus", "Corpus", blocks, corpus)
