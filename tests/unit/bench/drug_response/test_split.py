"""Leakage: what a split leaves out is seen nowhere else in that fold."""

import pandas as pd
import pytest

from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.screen import prepare_screen
from grnformer.bench.drug_response.split import SPLITS, assign_parts, fold_columns
from grnformer.bench.drug_response.structures import structure_key

FOLDS = {"n_folds": 5, "validation_fraction": 0.2, "seed": 3}


@pytest.mark.parametrize("split", SPLITS)
def test_every_pair_is_tested_once_and_validation_is_apart(
    responses: pd.DataFrame, split: str
) -> None:
    parts = assign_parts(responses, split, **FOLDS)
    assert len(parts) == len(responses)
    assert not parts.duplicated(["line", "drug"]).any()
    folds = parts[fold_columns(parts)]
    assert ((folds == "test").sum(axis=1) == 1).all()
    assert set(folds.to_numpy().ravel()) == {"train", "validation", "test"}
    matrix = Matrix.from_table(responses)
    masks = matrix.part_masks(parts, "fold_1")
    assert sum(mask.astype(int) for mask in masks.values()).max() == 1
    assert sum(mask.sum() for mask in masks.values()) == len(responses)


@pytest.mark.parametrize("split", ["line", "drug"])
def test_no_line_or_drug_stands_in_two_parts(
    responses: pd.DataFrame, split: str
) -> None:
    parts = assign_parts(responses, split, **FOLDS)
    for fold in fold_columns(parts):
        assert not parts[[split, fold]].drop_duplicates()[split].duplicated().any()
        assert parts[fold].nunique() == 3


def test_pairs_left_out_leave_their_line_and_drug_in_training(
    responses: pd.DataFrame,
) -> None:
    parts = assign_parts(responses, "pair", **FOLDS)
    for fold in fold_columns(parts):
        train, test = parts[parts[fold] == "train"], parts[parts[fold] == "test"]
        assert set(test["drug"]) <= set(train["drug"])


@pytest.mark.parametrize("split", SPLITS)
def test_replicates_and_one_structure_never_straddle_a_split(
    responses: pd.DataFrame, smiles: dict[str, str], split: str
) -> None:
    again = responses.assign(
        drug=responses["drug"].replace("Lidocaine", "Lignocaine hydrochloride")
    )
    rows = pd.concat([responses, again, responses.head(50)], ignore_index=True)
    rows = rows.rename(
        columns={"line": "CELL_LINE_NAME", "drug": "DRUG_NAME", "ln_ic50": "LN_IC50"}
    )
    names = smiles | {"Lignocaine hydrochloride": smiles["Lidocaine"] + ".Cl"}
    profiles = pd.DataFrame(0.0, index=sorted(set(responses["line"])), columns=["G"])
    parts = assign_parts(
        prepare_screen(rows, names, profiles).responses, split, **FOLDS
    )
    parts["structure"] = parts["drug"].map(names).map(structure_key)
    for fold in fold_columns(parts):
        assert (parts.groupby(["line", "structure"])[fold].size() == 1).all()
        if split == "drug":
            assert (
                not parts[["structure", fold]]
                .drop_duplicates()["structure"]
                .duplicated()
                .any()
            )


def test_seed_alone_decides(responses: pd.DataFrame) -> None:
    shuffled = responses.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        assign_parts(responses, "line", **FOLDS),
        assign_parts(shuffled, "line", **FOLDS),
    )
    other = assign_parts(responses, "line", **(FOLDS | {"seed": 4}))
    assert not other.equals(assign_parts(responses, "line", **FOLDS))


def test_too_few_units_or_an_unknown_split_are_refused(responses: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="12 units"):
        assign_parts(responses, "drug", n_folds=10, validation_fraction=0.2, seed=1)
    with pytest.raises(ValueError, match="tissue"):
        assign_parts(responses, "tissue", **FOLDS)
