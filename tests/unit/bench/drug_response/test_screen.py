"""Replicates merge, one compound has one name, and look-alike lines stay apart."""

import numpy as np
import pandas as pd
import pytest

from grnformer.bench.drug_response.lines import compare_with_lines, lift_to_zero
from grnformer.bench.drug_response.screen import normalise_line, prepare_screen
from grnformer.bench.drug_response.structures import (
    fingerprints,
    structure_key,
    tanimoto,
)
from grnformer.core.errors import InputError


def screen_rows(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["CELL_LINE_NAME", "DRUG_NAME", "LN_IC50"])


PROFILES = pd.DataFrame(
    np.arange(12.0).reshape(6, 2),
    index=["A1", "NCIH7", "TT", "KMH2", "UNUSED", "B2"],
    columns=["G1", "G2"],
)


def test_salts_stereo_and_spelling_are_one_compound() -> None:
    assert structure_key("C[C@H](N)C(=O)O") == structure_key("CC(N)C(O)=O")
    assert structure_key("CCN.Cl") == structure_key("CC[NH3+]") == structure_key("NCC")
    assert structure_key("CCN") != structure_key("CCCN")
    with pytest.raises(InputError, match="SMILES"):
        structure_key("C1CC")


def test_a_metal_complex_is_not_its_ligand() -> None:
    cisplatin = structure_key("[NH3].[NH3].[Cl-].[Cl-].[Pt+2]")
    assert cisplatin == structure_key("N.N.Cl[Pt]Cl") != structure_key("N")
    # a counter-ion of group 1 or 2 is no complex
    assert structure_key("CC(=O)[O-].[Na+]") == structure_key("CC(=O)O")


def test_drugs_without_a_key_are_never_joined() -> None:
    rows = screen_rows(("A1", "PEG", 1.0), ("A1", "PEI", 5.0), ("A1", "PEG-2", 2.0))
    smiles = {"PEG": "*OCCO*", "PEI": "*CCN*", "PEG-2": "*OCCO*"}
    screen = prepare_screen(rows, smiles, PROFILES)
    assert screen.drugs["aliases"].tolist() == ["PEG", "PEG-2", "PEI"]
    assert screen.drugs["structure"].is_unique
    with pytest.raises(InputError, match="drug 'PEG': the SMILES 'C1'"):
        prepare_screen(rows, smiles | {"PEG": "C1"}, PROFILES)


def test_replicates_and_aliases_merge_before_any_split() -> None:
    rows = screen_rows(
        ("A-1", "x", 1.0), ("A-1", "x", 3.0), ("A-1", "X salt", 8.0), ("B2", "y", 5.0)
    )
    screen = prepare_screen(
        rows, {"x": "CCN", "X salt": "CCN.Cl", "y": "CCCO"}, PROFILES
    )
    pairs = screen.responses.set_index(["line", "drug"])
    assert pairs.loc[("A-1", "X salt"), "ln_ic50"] == pytest.approx(4.0)
    assert pairs.loc[("A-1", "X salt"), "n_rows"] == 3
    assert len(pairs) == 2
    assert screen.drugs["structure"].is_unique
    assert screen.drugs.set_index("drug").loc["X salt", "aliases"] == "X salt; x"
    counts = screen.counts.set_index("step")
    assert counts.loc["drugs joined by structure", "names"] == "X salt = x"


def test_lines_match_by_normalised_name_but_lookalikes_are_kept_apart() -> None:
    lines = ("NCI-H7", "TT", "T-T", "KM-H2", "KMH-2", "unheard", "b2")
    screen = prepare_screen(
        screen_rows(*[(line, "x", 1.0) for line in lines]), {"x": "CCN"}, PROFILES
    )
    assert screen.expression.index.tolist() == ["NCI-H7", "b2"]
    np.testing.assert_array_equal(
        screen.expression.to_numpy(), PROFILES.loc[["NCIH7", "B2"]]
    )
    counts = screen.counts.set_index("step")
    assert (
        counts.loc["lines with a unique normalised name", "names"]
        == "TT; T-T; KM-H2; KMH-2"
    )
    assert counts.loc["lines with expression", "names"] == "unheard"
    assert normalise_line("Hs 939.T") == "HS939T"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (screen_rows(("A1", "x", np.nan)), "missing or infinite"),
        (screen_rows(("A1", "x", 1.0)).drop(columns="LN_IC50"), "LN_IC50"),
        (screen_rows(("nowhere", "x", 1.0)), "no row"),
    ],
)
def test_wrong_screens_stop_with_a_message(rows: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare_screen(rows, {"x": "CCN"}, PROFILES)


def test_similarity_of_fingerprints_against_rdkit() -> None:
    from rdkit import Chem, DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    smiles = ["CCO", "CCCO", "c1ccccc1O"]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    own = [generator.GetFingerprint(Chem.MolFromSmiles(s)) for s in smiles]
    expected = [[DataStructs.TanimotoSimilarity(a, b) for b in own] for a in own]
    np.testing.assert_allclose(tanimoto(fingerprints(smiles)), expected, atol=1e-6)


def test_lifting_keeps_the_order_within_a_line() -> None:
    import anndata

    lifted = np.asarray(
        lift_to_zero(anndata.AnnData(np.array([[-1.0, 0.5, 2.0], [3.0, -2.0, 0.0]]))).X
    )
    np.testing.assert_allclose(lifted, [[0.0, 1.5, 3.0], [5.0, 0.0, 2.0]])


def test_lines_are_compared_with_all_lines_of_the_screen() -> None:
    """What exceeds a gene's median over the reference, in its SD; the same for one line as for many."""
    import anndata

    values = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    lines = anndata.AnnData(values)
    lifted = values.astype(float) - values.min(axis=1, keepdims=True)
    exceeds = lifted - np.median(lifted, axis=0)
    expected = np.where(exceeds > 0, exceeds / lifted.std(axis=0), 0)

    compared = compare_with_lines(lines, lines).X.toarray()
    np.testing.assert_allclose(compared, expected, atol=1e-6)
    alone = compare_with_lines(lines[[3]], lines).X.toarray()
    np.testing.assert_array_equal(alone[0], compared[3])
