"""Section of embedded cells, by a model of the run or by a model bundle alone."""

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

from grnformer.core.place import ROOT
from grnformer.core.stored import annotate_anndata
from grnformer.report.gather import gather_sections
from grnformer.report.page import Figure, Note, Section, Table
from grnformer.report.sections.embed import EmbeddedCells, embed_section
from grnformer.settings.read import complete
from grnformer.workflow.config import read_registry

OBS = pd.DataFrame(
    {
        "mapped_cell": list("abca"),
        "mapped_cell_type": pd.Categorical(["B", "T", "T", "B"], ["B", "T", "none"]),
        "mapping_distance": [1.0, 3.0, 9.0, 2.0],
        "out_of_domain": [False, False, True, False],
    },
    index=list("wxyz"),
)
MADE_BY: dict[str, Any] = {"measured_genes": 8, "model_genes": 10, "usual_distance": 4.0}  # fmt: skip


def tables(section: Section) -> dict[str, pd.DataFrame]:
    return {block.name: block.frame for block in section.blocks if isinstance(block, Table)}  # fmt: skip


def notes(section: Section) -> list[Note]:
    return [block for block in section.blocks if isinstance(block, Note)]


def test_cells_are_counted_by_mapped_type_and_domain() -> None:
    few = EmbeddedCells(OBS.iloc[[0, 1]], MADE_BY)
    section = embed_section({"all": EmbeddedCells(OBS, MADE_BY), "few": few}, 0.2, "it")
    found = tables(section)
    assert found["embedded"].to_dict("records") == [
        {"file": "all", "cells": 4, "out_of_domain": 0.25, "genes": 8, "model_genes": 10, "distance": 2.5,
         "usual_distance": 4.0},
        {"file": "few", "cells": 2, "out_of_domain": 0.0, "genes": 8, "model_genes": 10, "distance": 2.0,
         "usual_distance": 4.0},
    ]  # fmt: skip
    types = found["embedded_types"].query("file == 'all'").set_index("cell_type")
    assert types[["cells", "out_of_domain"]].to_dict("index") == {
        "B": {"cells": 2, "out_of_domain": 0},
        "T": {"cells": 2, "out_of_domain": 1},
    }
    (figure,) = (block for block in section.blocks if isinstance(block, Figure))
    assert sum(trace.y.sum() for trace in figure.figure.data) == 6
    # only the file with many of them is named
    (said,) = (note.items for note in notes(section) if note.kind == "loss")
    assert len(said) == 1
    assert said[0].startswith("all: 25% of 4 cells")
    calm = embed_section({"all": EmbeddedCells(OBS, MADE_BY)}, 0.3, "it")
    assert not [note for note in notes(calm) if note.kind == "loss"]


@pytest.fixture
def written(tmp_path: Path) -> str:
    source = tmp_path / "mine.h5ad"
    anndata.AnnData(np.ones((4, 2), np.float32), OBS[[]].copy()).write_h5ad(source)
    path = tmp_path / "results" / "embed" / "mine.h5ad"
    annotate_anndata(
        source, path, "embedded_cells", obs=OBS, obsm={"X_grnformer": np.zeros((4, 3), np.float32)},
        uns={"grnformer": MADE_BY},
    )  # fmt: skip
    return str(path)


def test_a_bundle_needs_no_dataset_for_its_page(written: str, tmp_path: Path) -> None:
    config = complete({"embed": {"model": "given"}})
    registry = read_registry(ROOT / config["resources"]["registry"])
    row = {"dataset": "a", "sample": "s", "genome": "hg38", "rna": "r", "atac": "", "fragments": "", "annotation": "",
           "donor": "", "condition": ""}  # fmt: skip
    sections = gather_sections(
        {"embedded_by_bundle": [written]}, tmp_path / "results", config=config, configs={"a": config},
        samples=[row], registry=registry, commit="", stage="embed",
    )  # fmt: skip
    assert sections[0].name == "embed"
    assert tables(sections[0])["embedded"].loc[0, "file"] == "mine"
    assert "the model bundle given" in notes(sections[0])[0].text
    # sheet and resources are those of a dataset, of which nothing was read
    (resources,) = (section for section in sections if section.name == "resources")
    assert "no resource" in notes(resources)[0].text
    assert not [s for s in sections if "samples" in tables(s)]
