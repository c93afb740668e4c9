"""RNA without chromatin from several count matrices, either way round."""

import numpy as np
import pandas as pd
import pytest

from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.prep.rna import read_rna


def test_cells_are_joined_over_the_genes_that_all_files_measure(tmp_path, tss):
    counts = np.random.default_rng(0).poisson(3, (20, 40))
    table = pd.DataFrame(
        counts, [f"c{i}" for i in range(20)], [f"GENE{i}" for i in range(40)]
    )
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    table.iloc[:12].T.to_csv(first)
    # cells in rows, another order of genes, two genes less, names of cells again
    again = table.iloc[12:, ::-1].drop(columns=["GENE3", "GENE7"])
    again.index = [f"c{i}" for i in range(8)]
    again.to_csv(second)

    cells = read_rna([first, second], tss, "K562", counts="whole", min_known_genes=0.5)
    contracts.check(cells, "typed_rna", where="test")
    assert cells.obs_names[[0, 12]].tolist() == ["1:c0", "2:c0"]
    assert set(cells.obs["cell_type"]) == {"K562"}
    expected = table.drop(columns=["GENE3", "GENE7"])
    np.testing.assert_array_equal(cells.X.toarray(), expected[list(cells.var_names)])

    # two files without a gene in common
    table.iloc[:, :10].to_csv(first)
    table.iloc[:, 20:].to_csv(second)
    with pytest.raises(InputError, match="no gene that all of"):
        read_rna([first, second], tss, "K562", counts="whole", min_known_genes=0.5)
