"""Drug screens: responses, structures, expression of lines."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import numpy as np
import torch

from grnformer.bench.drug_response.lines import read_expression
from grnformer.bench.drug_response.screen import COLUMNS, prepare_screen
from grnformer.bench.drug_response.structures import structure_key
from grnformer.core.io import read_delimited
from grnformer.core.unpickle import read_text_dict
from inputs.data import LINE_ENDS, write
from inputs.rows import Kind

KIND = Kind("Drug screens")
SMILES = {"Aspirin": "CC(=O)Oc1ccccc1C(=O)O", "Water": "O"}
LINES = {"A-549": [1.0, 2.0], "MCF7": [3.0, 4.0]}
SCREEN = "CELL_LINE_NAME,DRUG_NAME,LN_IC50\nA-549,Aspirin,1.5\nMCF7,Water,-2\n"
RIGHT = [["A-549", "Aspirin", 1.5, 1], ["MCF7", "Water", -2.0, 1]]


def screen(
    text: str | bytes = SCREEN,
    smiles: Any = SMILES,
    lines: Any = LINES,
    genes: str = "G1\nG2\n",
) -> list[list[Any]]:
    """Line, drug, response and number of rows, as the job prepare_drug_response reads them."""
    profiles = {name: torch.tensor(values) for name, values in lines.items()}
    expression = read_expression(
        write("lines.pkl", pickle.dumps(profiles)), write("genes.txt", genes)
    )
    rows = read_delimited(write("screen.csv", text), ",", COLUMNS[:2])
    found = prepare_screen(
        rows, read_text_dict(write("smiles.pkl", pickle.dumps(smiles))), expression
    )
    return found.responses.to_numpy().tolist()


for given, text in [
    ("as documented", SCREEN),
    (
        "further columns",
        SCREEN.replace("LN_IC50", "LN_IC50,AUC")
        .replace("1.5", "1.5,0.1")
        .replace("-2", "-2,"),
    ),
    ("fields in quotes", SCREEN.replace("Aspirin", '"Aspirin"')),
    ("a byte-order mark", "\ufeff" + SCREEN),
    ("a blank last line", SCREEN + "\n"),
]:
    KIND.works(f"screen: {given}", partial(screen, text), RIGHT)
for name, end in LINE_ENDS.items():
    KIND.works(
        f"screen: line ends {name}", partial(screen, SCREEN.replace("\n", end)), RIGHT
    )
KIND.works(
    "screen: a line as A549, its profile A-549",
    lambda: screen(SCREEN.replace("A-549", "A549")),
    [["A549", *RIGHT[0][1:]], RIGHT[1]],
)
KIND.works(
    "screen: replicates",
    lambda: screen(SCREEN + "A-549,Aspirin,2.5\n"),
    [["A-549", "Aspirin", 2.0, 2], RIGHT[1]],
)
KIND.works(
    "screen: one compound under two names, one as a salt",
    lambda: screen(
        SCREEN + "A-549,ASA sodium,2.5\n",
        SMILES | {"ASA sodium": "CC(=O)Oc1ccccc1C(=O)[O-].[Na+]"},
    ),
    [["A-549", "ASA sodium", 2.0, 2], RIGHT[1]],
)
KIND.works(
    "screen: two drugs without a structure key (repeated groups)",
    lambda: [
        len(
            screen(
                SCREEN + "A-549,P1,2\nA-549,P2,3\n",
                SMILES | {"P1": "*CC*", "P2": "*CCN*"},
            )
        )
    ],
    [4],
)
for name in ("NA", "nan", "None", "007", "1e5"):
    KIND.works(
        f"screen: a drug called {name}",
        lambda n=name: screen(
            SCREEN.replace("Water", n), {"Aspirin": SMILES["Aspirin"], n: "O"}
        ),
        [RIGHT[0], ["MCF7", name, -2.0, 1]],
    )
for given, text, *words in [
    ("empty", "", "empty|screen.csv"),
    ("a header alone", SCREEN.split("\n")[0] + "\n", "no row|screen"),
    ("a column missing", SCREEN.replace("LN_IC50", "IC50"), "columns", "LN_IC50"),
    ("a column twice", SCREEN.replace("LN_IC50", "LN_IC50,LN_IC50").replace("1.5", "1.5,9").replace("-2", "-2,9"), "LN_IC50", "twice"),
    ("semicolons", SCREEN.replace(",", ";"), "columns|separated"),
    ("a word for a response", SCREEN.replace("1.5", "high"), "LN_IC50"),
    ("a missing response", SCREEN.replace("1.5", ""), "LN_IC50", "missing"),
    ("an infinite response", SCREEN.replace("1.5", "inf"), "LN_IC50", "infinite"),
    ("decimal commas", SCREEN.replace("1.5", '"1,5"'), "LN_IC50"),
    ("a line with a field more", SCREEN + "A,B,1,x\n", "fields"),
    ("a line with a field less", SCREEN + "A,B\n", "fields"),
    ("latin-1", SCREEN.replace("Water", "\xdf").encode("latin-1"), "UTF-8"),
    ("Excel", b"PK\x03\x04" + b"\0" * 40, "Excel"),
    ("lines of another screen", SCREEN.replace("A-549", "X").replace("MCF7", "Y"), "no row of the screen"),
]:  # fmt: skip
    KIND.refused(f"screen: {given}", partial(screen, text), *words)
for given, smiles, *words in [
    ("a SMILES that is none", {"Aspirin": "xyz", "Water": "O"}, "'Aspirin'", "'xyz'"),
    ("an empty SMILES", {"Aspirin": "", "Water": "O"}, "'Aspirin'"),
    ("an atom of five bonds", {"Aspirin": "C(C)(C)(C)(C)C", "Water": "O"}, "'Aspirin'"),
    ("no drug of the screen", {"x": "O"}, "no row of the screen"),
    ("numbers for SMILES", {"Aspirin": 3}, "smiles.pkl"),
]:  # fmt: skip
    KIND.refused(f"structures: {given}", lambda s=smiles: screen(smiles=s), *words)
for given, lines, genes, *words in [
    ("a profile of another length", {"A-549": [1.0], "MCF7": [1.0, 2.0]}, "G1\nG2\n", "1 profiles do not fit"),
    ("a gene twice", LINES, "G1\nG1\n", "each gene once"),
    ("no gene", LINES, "", "0 different genes|genes.txt|profiles do not fit"),
    ("NaN in a profile", {"A-549": [np.nan, 2.0], "MCF7": [3.0, 4.0]}, "G1\nG2\n", "A-549|missing|NaN|undefined|finite"),
    ("infinity in a profile", {"A-549": [np.inf, 2.0], "MCF7": [3.0, 4.0]}, "G1\nG2\n", "A-549|infinite|finite"),
]:  # fmt: skip
    KIND.refused(
        f"lines: {given}", lambda n=lines, g=genes: screen(lines=n, genes=g), *words
    )
KIND.works(
    "cisplatin is not ammonia",
    lambda: [structure_key("N.N.Cl[Pt]Cl") == structure_key("N")],
    [False],
)
KIND.works(
    "a salt is its acid",
    lambda: [structure_key("CC(=O)[O-].[Na+]") == structure_key("CC(=O)O")],
    [True],
)
