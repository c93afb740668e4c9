"""Leakage: what a split leaves out is seen nowhere else in that fold."""

import pandas as pd
import pytest

from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.screen import (
    COLUMNS,
    Screen,
    align_screen,
    prepare_screen,
)
from grnformer.bench.drug_response.split import (
    CHOSEN_ON_TEST,
    SPLITS,
    assign_parts,
    fold_columns,
)
from grnformer.bench.drug_response.structures import structure_key
from grnformer.bench.drug_response.tissues import match_tissues
from grnformer.core.errors import InputError

LEAK_SAFE = [split for split in SPLITS if split != "deepcdr"]
FOLDS = {"n_folds": 5, "validation_fraction": 0.2, "seed": 3}


@pytest.mark.parametrize("split", LEAK_SAFE)
def test_every_pair_is_tested_once_and_validation_is_apart(
    responses: pd.DataFrame, split: str, tissues: dict[str, str]
) -> None:
    if split == "tissue":
        responses = responses[responses["line"].isin(tissues)]
    parts = assign_parts(responses, split, **FOLDS, tissues=tissues)
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


def test_no_tissue_stands_in_two_parts_and_a_line_without_one_in_none(
    responses: pd.DataFrame, tissues: dict[str, str]
) -> None:
    parts = assign_parts(responses, "tissue", **FOLDS, tissues=tissues)
    assert set(parts["line"]) == set(tissues)
    tissue = parts["line"].map(tissues).rename("tissue")
    for fold in fold_columns(parts):
        pairs = pd.concat([tissue, parts[fold]], axis=1).drop_duplicates()
        assert not pairs["tissue"].duplicated().any()
        assert parts[fold].nunique() == 3
    with pytest.raises(InputError, match="none of 60 lines"):
        assign_parts(responses, "tissue", **FOLDS, tissues={"other": "blood"})


def test_deepcdr_tests_a_twentieth_of_each_tissue_and_chooses_on_it(
    responses: pd.DataFrame, tissues: dict[str, str]
) -> None:
    parts = assign_parts(responses, "deepcdr", **FOLDS, tissues=tissues)
    folds = parts[fold_columns(parts)]
    assert set(folds.to_numpy().ravel()) == {"train", CHOSEN_ON_TEST}
    share = (folds == CHOSEN_ON_TEST).groupby(parts["line"].map(tissues)).mean()
    assert share.loc["blood"].between(0.04, 0.06).all()
    assert ((folds == CHOSEN_ON_TEST).sum(axis=1) <= 1).all()


def test_another_screen_is_trained_on_and_never_the_tested_lines(
    responses: pd.DataFrame,
) -> None:
    other = responses.assign(ln_ic50=responses["ln_ic50"] + 100).iloc[5:]
    matrix = Matrix.from_table(responses.iloc[:-5], other)
    parts = assign_parts(other, "screen", **FOLDS)
    for fold in fold_columns(parts):
        masks = matrix.part_masks(parts, fold)
        seen = (masks["train"] | masks["validation"]).any(axis=1)
        assert not (seen & masks["test"].any(axis=1)).any()
        assert matrix.training[masks["train"]].min() > 50
        assert matrix.values[masks["test"]].max() < 50


def test_a_screen_is_not_its_own_other_screen(responses: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="very values of the first in all"):
        Matrix.from_table(responses, responses.sample(frac=0.5, random_state=1))


def test_screens_are_joined_by_structure_and_normalised_name(
    smiles: dict[str, str],
) -> None:
    def screen(line: str, drug: str) -> Screen:
        rows = pd.DataFrame([(line, drug, 1.0)], columns=COLUMNS)
        profiles = pd.DataFrame(0.0, index=[line], columns=["G"])
        names = smiles | {"Lignocaine": smiles["Lidocaine"] + ".Cl"}
        return prepare_screen(rows, names, profiles)

    one, other = screen("A-1", "Lidocaine"), screen("a1", "Lignocaine")
    aligned = align_screen(other, one.drugs, ["A-1"])
    assert aligned[["line", "drug"]].to_numpy().tolist() == [["A-1", "Lidocaine"]]
    with pytest.raises(InputError, match="without a pair"):
        align_screen(screen("B", "Ethanol"), one.drugs, ["A-1"])


def test_tissues_come_from_the_names_of_ccle() -> None:
    annotations = pd.DataFrame(
        {
            "CCLE_ID": [
                "NCIH1_LARGE_INTESTINE",
                "TT_OESOPHAGUS",
                "TT_THYROID",
                "X_SKIN",
            ],
            "Name": ["NCI-H1", None, None, "odd name"],
        }
    )
    found = match_tissues(annotations, ["NCI-H1", "T-T", "Odd-name", "unknown"])
    assert found.set_index("line")["tissue"].to_dict() == {
        "NCI-H1": "large_intestine",
        "Odd-name": "skin",
    }
    with pytest.raises(InputError, match="CCLE_ID"):
        match_tissues(annotations.drop(columns="CCLE_ID"), ["X"])


def test_pairs_left_out_leave_their_line_and_drug_in_training(
    responses: pd.DataFrame,
) -> None:
    parts = assign_parts(responses, "pair", **FOLDS)
    for fold in fold_columns(parts):
        train, test = parts[parts[fold] == "train"], parts[parts[fold] == "test"]
        assert set(test["drug"]) <= set(train["drug"])


@pytest.mark.parametrize("split", ["pair", "line", "drug"])
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
    with pytest.raises(ValueError, match="colour"):
        assign_parts(responses, "colour", **FOLDS)
