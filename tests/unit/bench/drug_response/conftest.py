"""A small screen with a planted low-rank interaction that expression explains."""

import warnings

import numpy as np
import pandas as pd
import pytest

with warnings.catch_warnings():
    warnings.filterwarnings(
        "ignore", r".torch\.jit\.script. is deprecated", DeprecationWarning
    )
    import torch_geometric.nn  # noqa: F401 - its import warns, once

SMILES = {
    "Aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "Benzene": "c1ccccc1",
    "Caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "Dopamine": "NCCc1ccc(O)c(O)c1",
    "Ethanol": "CCO",
    "Fluorouracil": "O=c1[nH]cc(F)c(=O)[nH]1",
    "Glucose": "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O",
    "Histamine": "NCCc1c[nH]cn1",
    "Ibuprofen": "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "Ketone": "CC(=O)C",
    "Lidocaine": "CCN(CC)CC(=O)Nc1c(C)cccc1C",
    "Metformin": "CN(C)C(=N)N=C(N)N",
}


@pytest.fixture
def smiles() -> dict[str, str]:
    return dict(SMILES)


@pytest.fixture
def planted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Responses of 60 lines x 12 drugs (10% missing), which of them are known, and 80 genes a line."""
    rng = np.random.default_rng(0)
    lines, drugs = rng.normal(size=(60, 2)), rng.normal(size=(12, 2))
    values = (
        2 + rng.normal(size=(60, 1)) + 3 * rng.normal(size=(1, 12)) + lines @ drugs.T
    )
    values += 0.1 * rng.normal(size=values.shape)
    mask = rng.random(values.shape) < 0.9
    expression = lines @ rng.normal(size=(2, 80)) + 0.3 * rng.normal(size=(60, 80))
    return np.where(mask, values, np.nan), mask, expression


@pytest.fixture
def responses(planted: tuple[np.ndarray, np.ndarray, np.ndarray]) -> pd.DataFrame:
    """The same responses as a table."""
    row, column = np.nonzero(planted[1])
    return pd.DataFrame(
        {
            "line": [f"line{i:02d}" for i in row],
            "drug": [sorted(SMILES)[j] for j in column],
            "ln_ic50": planted[0][planted[1]],
        }
    )


@pytest.fixture
def tissues() -> dict[str, str]:
    """Tissue of each line but the first; the first tissue has half of them."""
    names = ["blood"] * 30 + [f"tissue{i % 10}" for i in range(30)]
    return {f"line{i:02d}": name for i, name in enumerate(names) if i}
