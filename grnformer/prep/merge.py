"""The samples of one dataset merged, on the genes and regions that all of them measured."""

from __future__ import annotations

import logging

import anndata
import mudata
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.file_names import file_names
from grnformer.prep.metacells import GROUP_SIZES
from grnformer.prep.sample import dropped_table

log = logging.getLogger(__name__)

_MOST_TWINS = 0.1  # fraction of the smaller sample's cells that may be in another


def merge_samples(
    samples: list[mudata.MuData], *, min_shared_features: float
) -> tuple[mudata.MuData, pd.DataFrame]:
    """Concatenate samples, on the genes and regions that all of them have.

    Parameters
    ----------
    samples
        Contract `paired_counts`, cell names unique over all samples.
    min_shared_features
        Least fraction (0 to 1) of the smallest sample's genes, and of its regions, that all samples must have.

    Returns
    -------
    multiome, dropped
        Contracts `paired_counts` and `dropped` (features that a sample lacks).

    Raises
    ------
    InputError
        If samples share too few features (their peaks were called separately), or only some are annotated.
    """
    mudata.set_options(pull_on_update=False)
    check_annotated_alike(
        {data.obs["sample"].iloc[0]: "cell_type" in data.obs for data in samples}
    )
    check_types_by_file(
        [data.obs["cell_type"] for data in samples if "cell_type" in data.obs]
    )
    _check_no_twins(samples)
    if len(samples) == 1:
        return samples[0], dropped_table("gene", pd.Series(dtype=object))

    merged, dropped = {}, []
    for modality, kind in (("rna", "gene"), ("atac", "region")):
        if modality not in samples[0].mod:
            continue
        parts = [data.mod[modality] for data in samples]
        shared = _shared_features(parts, kind, min_shared_features)
        # Concatenation keeps var only where all samples agree: the first sample's stands for all.
        merged[modality] = anndata.concat([part[:, shared] for part in parts])
        merged[modality].var = parts[0].var.loc[shared].copy()

        all_features = (
            parts[0].var_names.append([part.var_names for part in parts[1:]]).unique()
        )
        lost = all_features.difference(shared, sort=False)
        dropped.append(
            dropped_table(
                kind, pd.Series(f"not in all {len(parts)} samples", index=lost)
            )
        )

    data = mudata.MuData(merged)
    columns = [
        column
        for column in ("sample", "donor", "barcode", "cell_type")
        if column in samples[0].obs
    ]
    obs = pd.concat([part.obs[columns].astype(str) for part in samples])
    # By cell: MuData may order cells in its way.
    for column in columns:
        data.obs[column] = obs.loc[data.obs_names, column]
    for column in GROUP_SIZES:
        if column in samples[0].obs:
            sizes = pd.concat([part.obs[column] for part in samples])
            data.obs[column] = sizes[data.obs_names]

    # Keys are names of samples, so none replaces another's figures.
    data.uns["checks"] = {}
    for part in samples:
        data.uns["checks"].update(part.uns["checks"])
    return data, pd.concat(dropped, ignore_index=True)


def check_annotated_alike(annotated: dict[str, bool]) -> None:
    """Raise InputError if some samples are annotated and others are not. `annotated`: sample -> whether it is."""
    without = [name for name, has in annotated.items() if not has]
    # Types of some samples next to clusters of others would not be comparable.
    if 0 < len(without) < len(annotated):
        raise InputError(
            f"samples {without} have no annotation, the others have one",
            "an annotation for all samples of a dataset or for none",
            "complete the sample sheet",
        )


def check_types_by_file(types: list[pd.Series]) -> None:
    """Raise InputError if the cell types of all samples cannot each have a file."""
    file_names(sorted({str(name) for part in types for name in part.unique()}))


def _check_no_twins(samples: list[mudata.MuData]) -> None:
    """Raise InputError if two samples hold the same cells: of one file, or of files that both hold all samples."""
    seen: dict[str, pd.MultiIndex] = {}
    for data in samples:
        name = str(data.obs["sample"].iloc[0])
        cells = _fingerprints(data)
        for other, theirs in seen.items():
            same = cells.isin(theirs).sum()
            smaller = min(len(cells), len(theirs))
            if same > _MOST_TWINS * smaller:
                raise InputError(
                    f"samples {other!r} and {name!r} share {same} of {smaller} cells: equal barcodes with equal counts",
                    "cells of its own in each sample",
                    "correct the paths of one of them in the sample sheet, or split the file by sample",
                )
        seen[name] = cells


def _fingerprints(data: mudata.MuData) -> pd.MultiIndex:
    """Barcode, UMIs, genes, and any counts in regions of each cell: together, no two cells of two samples are equal."""
    columns = [data.obs["barcode"].astype(str)]
    columns += [part.X.sum(axis=1).A1 for part in data.mod.values()]
    columns.append(data.mod["rna"].X.getnnz(axis=1))
    return pd.MultiIndex.from_arrays(columns)


def shared_names(parts: list[anndata.AnnData]) -> pd.Index:
    """Features that all parts have, in the order of the first."""
    shared = parts[0].var_names
    for part in parts[1:]:
        shared = shared[shared.isin(part.var_names)]
    return shared


def _shared_features(parts: list[anndata.AnnData], kind: str, least: float) -> pd.Index:
    shared = shared_names(parts)
    # Of the smallest sample: others cannot share what only a larger one measured.
    smallest = min(part.n_vars for part in parts)
    log.info(
        "%d %ss in all of %d samples; the smallest has %d",
        len(shared),
        kind,
        len(parts),
        smallest,
    )
    if len(shared) == 0 or len(shared) < least * smallest:
        remedies = {
            "region": "count all samples over one set of peaks",
            "gene": "use one gene annotation for all samples",
        }
        raise InputError(
            f"the samples share {len(shared)} {kind}s of at least {smallest} each",
            f"at least {least:.0%} in common (prep.min_shared_features)",
            remedies[kind],
        )
    return shared
