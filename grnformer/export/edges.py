"""Networks of a run by the file that each is written to, and their nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from grnformer.api.run import NotInRun, Run
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names

if TYPE_CHECKING:
    import pandas as pd

OVERALL = "overall"


class Unfit(InputError):
    """What a format cannot hold: names with white space, too many columns."""


def networks_by_file(
    run: Run, folder: Path, suffix: str
) -> Iterator[tuple[Path, str | None, pd.DataFrame]]:
    """Yield the file, the cell type and the network: ``overall`` (cell type None), then ``cell_type/<type>``."""
    yield folder / f"{OVERALL}{suffix}", None, run.network
    for name, stem in file_names(run.cell_types).items():
        yield folder / "cell_type" / f"{stem}{suffix}", name, run.networks[name]


def nodes_of(network: pd.DataFrame) -> pd.DataFrame:
    """Nodes of a network: name, kind (TF or gene), n_targets, n_regulators; sorted by name."""
    import pandas as pd

    targets = network.groupby("tf").size()
    regulators = network.groupby("gene").size()
    names = targets.index.union(regulators.index)
    nodes = pd.DataFrame(
        {
            "n_targets": targets.reindex(names, fill_value=0).astype(int),
            "n_regulators": regulators.reindex(names, fill_value=0).astype(int),
        }
    )
    nodes.insert(0, "kind", ["TF" if n else "gene" for n in nodes["n_targets"]])
    return nodes.rename_axis("name").reset_index()


def triplets_with_regions(run: Run) -> pd.DataFrame:
    """Triplets of the eRegulons that have a region (contract ``eregulons``).

    Raises
    ------
    NotInRun
        If none has: the networks are of TFs and genes only.
    """
    triplets = run.eregulons
    found = triplets[triplets["region"] != ""]
    if found.empty:
        raise NotInRun(
            f"no eRegulon of {run.dataset} has a region: its networks are of TFs and genes only",
            "networks with regions, as of RNA with ATAC",
            "leave this format out",
        )
    return found


def check_unspaced(names: pd.Series, path: Path, why: str) -> None:
    """Refuse names that hold white space.

    Raises
    ------
    Unfit
        It says `why`.
    """
    distinct = names.drop_duplicates()
    spaced = distinct[distinct.str.contains(r"\s", regex=True)]
    if len(spaced):
        raise Unfit(
            f"the name {spaced.iloc[0]!r} in {path.name}",
            f"names without white space: {why}",
            "rename it in the input, or leave this format out",
        )
