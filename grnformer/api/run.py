"""A finished run: networks, eRegulons, activity and models of one dataset, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names

if TYPE_CHECKING:
    import anndata
    import pandas as pd

    from grnformer.api.model import Model

_NETWORKS = "grn/eregulons.parquet"  # by which the folder of a dataset is known
_MOST_NAMED = 12


class UnknownName(InputError, KeyError):
    """A cell type, an arm, a TF or a gene that the run does not have; also a KeyError, as of any mapping."""

    __str__ = InputError.__str__


class NotInRun(InputError):
    """A file that this run has not made: a stage that was left out, or data without it (no ATAC, no fragments)."""


class Networks(Mapping[str, "pd.DataFrame"]):
    """Cell type -> its network: a table by the contract ``cell_type_grn``, read once, when it is asked for.

    Columns tf, gene, weight (0 to 1, mean of ranks within the type), sign (1 activation, -1 repression), regions,
    eregulons, evidence; selection_frequency where the network was rerun under other seeds.
    """

    def __init__(self, folder: Path, cell_types: list[str]) -> None:
        self._files = {
            name: folder / f"{stem}.parquet"
            for name, stem in file_names(cell_types).items()
        }
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, cell_type: str) -> pd.DataFrame:
        if cell_type not in self._files:
            raise unknown("cell type", cell_type, self._files)
        if cell_type not in self._read:
            path = self._files[cell_type]
            self._read[cell_type] = io.read_table(path, "cell_type_grn")
        return self._read[cell_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"Networks of {', '.join(self._files)}"


class Run:
    """What a run made of one dataset; `read_run` opens it.

    Attributes
    ----------
    folder
        Of the dataset, such as results/snareseq.
    dataset
        Its name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dataset = folder.name

    def __repr__(self) -> str:
        models = ", ".join(f"{arm} (seeds {seeds})" for arm, seeds in self.arms.items())
        return (
            f"Run of {self.dataset} in {self.folder}\n"
            f"  cell types: {', '.join(self.cell_types)}\n"
            f"  models: {models or 'none'}"
        )

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Size of each cell type's network: cells, eRegulons, TFs, genes, regions, edges."""
        return self._table("grn/cell_type_summary.tsv", "cell_type_summary")

    @property
    def cell_types(self) -> list[str]:
        """Names of the cell types that have a network."""
        return [str(name) for name in self.summary["cell_type"]]

    @cached_property
    def networks(self) -> Networks:
        """Cell type -> its network, TF to gene: ``run.networks["K562"]``."""
        return Networks(self.file("grn/cell_type"), self.cell_types)

    @cached_property
    def network(self) -> pd.DataFrame:
        """The network over all cell types: the pairs of TF and gene of all eRegulons, one row each.

        Columns as of `Networks`; the weight (0 to 1) is the mean rank of the TF's importance for the gene and of its
        best link.
        """
        from grnformer.grn.cell_type.edges import merge_eregulons

        return merge_eregulons(self.eregulons)

    @cached_property
    def eregulons(self) -> pd.DataFrame:
        """eRegulons, one row a TF-region-gene triplet (contract ``eregulons``); region is '' where there is none."""
        return self._table(_NETWORKS, "eregulons")

    @cached_property
    def specificity(self) -> pd.DataFrame:
        """Regulon specificity score, 0 to 1, of each eRegulon (eregulon) in each cell type (cell_type): column rss."""
        return self._table("grn/specificity.parquet", "specificity")

    @cached_property
    def activity(self) -> anndata.AnnData:
        """Cells x eRegulons: AUC in X, 0 to 1; layer ``active``; obs cell_type; obsm X_umap.

        ``scanpy.pl.umap(run.activity, color="cell_type")`` draws it.
        """
        path = self.file("grn/cell_activity.h5ad")
        return io.read_anndata(path, "cell_activity")

    @cached_property
    def region_activity(self) -> pd.DataFrame:
        """Cells x eRegulons: AUC of each eRegulon's regions, 0 to 1; eRegulons without regions are left out."""
        table = self._table("grn/region_activity.parquet", "region_activity")
        return table.set_index("cell")

    @cached_property
    def cistromes(self) -> pd.DataFrame:
        """Regions bound by each TF by the chosen evidence (contract ``cistromes``)."""
        return self._table("grn/cistromes.parquet", "cistromes")

    @cached_property
    def tss(self) -> pd.DataFrame:
        """Transcription start sites: gene, chrom, tss (0-based, bp), strand."""
        return self._table("prep/tss.parquet", "tss")

    @cached_property
    def modalities(self) -> list[str]:
        """Modalities of the cells: rna, and atac where there is one."""
        import h5py

        with h5py.File(self.file("prep/multiome.h5mu"), "r") as handle:
            return sorted(handle["mod"])

    @cached_property
    def umap(self) -> pd.DataFrame | None:
        """Places of the cells in the UMAP of the joint neighbours, (cells, 2); None where the run made none."""
        import pandas as pd

        path = self.file("prep/multiome.h5mu")
        places = io.read_shared_embedding(path, "X_umap")
        if places is None:
            return None
        return pd.DataFrame(places, self.read_cells("rna").obs_names, ["x", "y"])

    def read_cells(self, modality: str = "rna") -> anndata.AnnData:
        """Read cells x genes (``rna``) or cells x regions (``atac``), with counts in layers; anew by each call.

        Raises
        ------
        NotInRun
            If the run has no such modality.
        """
        path = self.file("prep/multiome.h5mu")
        if modality not in self.modalities:
            raise NotInRun(
                f"no modality {modality!r} in {path}",
                f"one of {', '.join(self.modalities)}",
                "choose one of these",
            )
        return io.read_modality(path, modality, "multiome")

    @property
    def arms(self) -> dict[str, list[int]]:
        """Arm of pretraining -> seeds of its models."""
        found: dict[str, list[int]] = {}
        for card in sorted(self.folder.glob("pretrain/*/seed*/model.json")):
            seed = card.parent.name.removeprefix("seed")
            if seed.isdigit():
                found.setdefault(card.parents[1].name, []).append(int(seed))
        return {arm: sorted(seeds) for arm, seeds in found.items()}

    def model(self, arm: str, seed: int | None = None) -> Model:
        """A pretrained model, such as ``run.model("hybrid")``.

        Parameters
        ----------
        arm
            A name in `arms`.
        seed
            Of the model; None: the lowest.

        Raises
        ------
        UnknownName
            If there is no such arm or seed; it says which there are.
        """
        from grnformer.api.model import Model

        arms = self.arms
        if arm not in arms:
            raise unknown("arm", arm, arms, empty="the run has no model")
        chosen = arms[arm][0] if seed is None else seed
        if chosen not in arms[arm]:
            raise unknown(f"seed of the arm {arm!r}", chosen, arms[arm])
        return Model(self.folder / "pretrain" / arm / f"seed{chosen}", arm, chosen)

    def file(self, name: str) -> Path:
        """Path of a file or folder of the dataset, such as ``grn/cistromes.parquet``.

        Raises
        ------
        NotInRun
            If the run has not made it.
        """
        path = self.folder / name
        if not path.exists():
            raise NotInRun(
                f"there is no {path}",
                f"what the stage {name.split('/')[0]} writes",
                f"finish the run: snakemake -c1 -- {path}",
            )
        return path

    def _table(self, name: str, contract: str) -> pd.DataFrame:
        return io.read_table(self.file(name), contract)


def read_run(folder: str | Path, dataset: str | None = None) -> Run:
    """Open what a run made of one dataset; files are read when they are asked for.

    Parameters
    ----------
    folder
        Where the run was started, its results, or the results of one dataset (results/snareseq).
    dataset
        A dataset of the run; needed where it has several and `folder` is not that of one.

    Raises
    ------
    InputError
        If the folder is not that of a run with networks, or the dataset has to be chosen; it says what there is.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"no folder {folder}",
            "the folder of a run, of its results or of a dataset in them",
            "correct the path",
        )

    found = _datasets(folder)
    if not found:
        raise InputError(
            f"no dataset with networks in {folder}: neither {_NETWORKS}, nor a folder with it, nor results/",
            "the folder of a run, of its results or of a dataset in them, after the stage grn",
            "correct the path, or finish the run: snakemake -c1 -- grn",
        )
    if dataset is not None and dataset not in found:
        raise unknown("dataset", dataset, found)
    if dataset is None and len(found) > 1:
        raise InputError(
            f"{folder} has the datasets {', '.join(found)}",
            "one of them",
            f"name it: dataset={next(iter(found))!r}, or the folder {next(iter(found.values()))}",
        )
    return Run(found[dataset or next(iter(found))])


def _datasets(folder: Path) -> dict[str, Path]:
    """Dataset -> folder of its results, found at, in or below a folder."""
    # of the folder of a dataset by a path such as `.`, too
    if (folder / _NETWORKS).is_file():
        here = folder if folder.name else folder.resolve()
        return {here.name: here}
    for place in (folder, folder / "results"):
        found = sorted(path.parents[1] for path in place.glob(f"*/{_NETWORKS}"))
        if found:
            return {path.name: path for path in found}
    return {}


def unknown(
    what: str, name: Any, known: Any, *, empty: str = "there is none"
) -> UnknownName:
    """The error for a name that is not among those there are."""
    names = [str(other) for other in known]
    if not names:
        return UnknownName(
            f"no {what} {name!r}: {empty}", f"a {what} of the run", "finish the run"
        )
    more = len(names) - _MOST_NAMED
    # of many, those that are spelt alike
    shown = get_close_matches(str(name), names, _MOST_NAMED) if more > 0 else []
    some = ", ".join(shown or names[:_MOST_NAMED])
    return UnknownName(
        f"no {what} {name!r}",
        f"one of {some}" + (f" ... ({len(names)} in all)" if more > 0 else ""),
        "choose one of these",
    )
