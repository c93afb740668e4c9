"""Samples of one dataset put together: the genes and regions that all of them measured."""

from __future__ import annotations

import logging

import anndata
import mudata
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.prep.sample import dropped_table

log = logging.getLogger("grnformer.prep")

_KINDS = {"rna": "gene", "atac": "region"}


def merge_samples(samples: list[mudata.MuData], *, min_shared_features: float) -> tuple[mudata.MuData, pd.DataFrame]:
    """Put samples under one another, on the genes and regions that all of them have.

    Parameters
    ----------
    samples
        Contract `paired_counts`, cells already unique.
    min_shared_features
        Least share (0 to 1) of the smallest sample's genes, and of its regions, that all samples must have.

    Returns
    -------
    multiome, dropped
        Contracts `paired_counts` and `dropped` (features that a sample lacks).

    Raises
    ------
    InputError
        If samples share too few features (their peaks were called apart), or only some are annotated.
    """
    mudata.set_options(pull_on_update=False)
    check_annotated_alike({str(data.obs["sample"].iloc[0]): "cell_type" in data.obs for data in samples})
    if len(samples) == 1:
        return samples[0], dropped_table("gene", [], None, [])
    merged, dropped = {}, []
    for modality, kind in _KINDS.items():
        parts = [data.mod[modality] for data in samples]
        shared, lost = _shared_features(parts, kind, min_shared_features)
        dropped.append(lost)
        merged[modality] = anndata.concat([part[:, shared] for part in parts])
        merged[modality].var = parts[0].var.loc[shared].copy()
    data = mudata.MuData(merged)
    columns = [c for c in ("sample", "donor", "barcode", "cell_type") if c in samples[0].obs]
    obs = pd.concat([part.obs[columns].astype(str) for part in samples])
    for column in columns:
        data.obs[column] = obs.loc[data.obs_names, column]
    data.uns["checks"] = {name: check for part in samples for name, check in part.uns["checks"].items()}
    return data, pd.concat(dropped, ignore_index=True)


def check_annotated_alike(annotated: dict[str, bool]) -> None:
    """Raise InputError if some samples are annotated and others are not. `annotated`: sample -> whether it is."""
    if any(annotated.values()) and not all(annotated.values()):
        raise InputError(
            f"samples {[name for name, has in annotated.items() if not has]} have no annotation, the others have one",
            "an annotation for all samples of a dataset or for none",
            "complete the sample sheet",
        )


def _shared_features(parts: list[anndata.AnnData], kind: str, least: float) -> tuple[pd.Index, pd.DataFrame]:
    shared = parts[0].var_names
    for part in parts[1:]:
        shared = shared[shared.isin(part.var_names)]
    smallest = min(part.n_vars for part in parts)
    log.info("%d %ss in all of %d samples; the smallest has %d", len(shared), kind, len(parts), smallest)
    if len(shared) == 0 or len(shared) < least * smallest:
        raise InputError(
            f"the samples share {len(shared)} {kind}s of at least {smallest} each",
            f"at least {least:.0%} in common (prep.min_shared_features)",
            "count all samples over one set of peaks"
            if kind == "region"
            else "use one gene annotation for all samples",
        )
    lost = pd.Index([]).append([part.var_names for part in parts]).unique().difference(shared, sort=False)
    return shared, dropped_table(kind, lost, None, f"not in all {len(parts)} samples")
