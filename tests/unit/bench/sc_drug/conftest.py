"""A screen of bulk lines with a planted interaction, and noisy single cells of some of its lines."""

import anndata
import numpy as np
import pandas as pd
import pytest

TESTED = ("HCT-116", "K-562", "NCI-H1975")


@pytest.fixture(scope="session")
def screen() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Responses of 82 lines to 12 drugs, one of ten missing, and 300 genes of each line that explain them."""
    rng = np.random.default_rng(0)
    names = [*TESTED, "H1975", *(f"L{i}" for i in range(78))]
    factors = rng.normal(size=(len(names), 2))
    # the same line under another spelling
    factors[3] = factors[2]
    values = factors @ rng.normal(size=(2, 12)) + rng.normal(size=(len(names), 1))
    values += 3 * rng.normal(size=12) + 0.1 * rng.normal(size=values.shape)
    measured = rng.random(values.shape) < 0.9
    row, column = np.nonzero(measured)
    responses = pd.DataFrame(
        {
            "line": np.array(names)[row],
            "drug": [f"drug{j:02d}" for j in column],
            "ln_ic50": values[measured],
        }
    )
    genes = factors @ rng.normal(size=(2, 300)) + 0.3 * rng.normal(
        size=(len(names), 300)
    )
    return responses, pd.DataFrame(genes, names, [f"G{i}" for i in range(300)])


@pytest.fixture(scope="session")
def cells(screen: tuple[pd.DataFrame, pd.DataFrame]) -> anndata.AnnData:
    """30 cells of each tested line: its profile and noise."""
    rng = np.random.default_rng(1)
    line = np.repeat(TESTED, 30)
    profiles = screen[1].loc[line].to_numpy()
    return anndata.AnnData(
        profiles + 2 * rng.normal(size=profiles.shape),
        obs=pd.DataFrame({"line": line}, index=[f"c{i}" for i in range(90)]),
        var=pd.DataFrame(index=screen[1].columns),
    )
