"""`import grnformer as gf`: light, a door to everything a run made, and it says what there is."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import grnformer as gf
from grnformer.core.errors import InputError

matplotlib.use("Agg")
#: of matplotlib, through scanpy
drawn = pytest.mark.filterwarnings("ignore:The set_bad:PendingDeprecationWarning")
ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "from-a-notebook.md"


def test_the_import_loads_nothing_heavy() -> None:
    heavy = ["torch", "scanpy", "anndata", "pandas", "numpy", "yaml"]
    code = (
        "import sys, grnformer as gf; assert 'read_run' in dir(gf) and gf.__version__;"
        f"loaded = [name for name in {heavy} if name in sys.modules]; gf.read_run;"
        f"late = [name for name in {heavy[:3]} if name in sys.modules];"
        "print(loaded, late)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[] []\n"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gf.nothing  # noqa: B018


def test_a_run_is_found_from_any_of_its_folders(finished_run: Path) -> None:
    lines = finished_run / "results" / "lines"
    for folder in (finished_run, finished_run / "results"):
        assert gf.read_run(folder, "lines").folder == lines
        with pytest.raises(InputError, match="datasets lines, tissue"):
            gf.read_run(folder)
        with pytest.raises(InputError, match=r"no dataset 'other'\n.*lines, tissue"):
            gf.read_run(folder, "other")
    assert gf.read_run(lines).dataset == "lines"


def test_a_relative_path_names_the_dataset(
    finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished_run / "results" / "lines")
    assert gf.read_run(".").dataset == "lines"


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        gf.read_run(tmp_path / "nowhere")
    # prep only
    (tmp_path / "results" / "lines" / "prep").mkdir(parents=True)
    with pytest.raises(InputError, match=r"(?s)no dataset with networks.*-- grn"):
        gf.read_run(tmp_path)


def test_networks_are_a_mapping_by_the_names_of_types(run: gf.Run) -> None:
    # the second has another name as a file
    assert list(run.networks) == ["A<549>", "K562", "T cell"]
    network = run.networks["A<549>"]
    assert {"tf", "gene", "weight", "sign", "regions"} <= set(network)
    assert "HeLa" not in run.networks
    assert run.networks.get("HeLa") is None
    with pytest.raises(
        InputError, match=r"no cell type 'HeLa'\n.*A<549>, K562, T cell"
    ):
        run.networks["HeLa"]
    with pytest.raises(KeyError):
        run.networks["HeLa"]


def test_the_network_over_all_types_ranks_the_pairs(run: gf.Run) -> None:
    network = run.network
    pairs = run.eregulons.groupby(["tf", "gene"])
    assert len(network) == len(pairs)
    row = network.iloc[5]
    of_pair = pairs.get_group((row["tf"], row["gene"]))
    assert list(row["regions"]) == sorted(of_pair["region"].unique())
    assert row["sign"] == (1 if of_pair["eregulon"].iloc[0][-3] == "+" else -1)

    run = gf.Run(run.folder)
    # one pair has the best TF-gene weight, another the best link
    triplets = run.eregulons.assign(tf_gene_weight=0.0, region_gene_weight=0.0)
    first, second = triplets.index[[0, 1]]
    triplets.loc[first, "tf_gene_weight"] = triplets.loc[
        second, "region_gene_weight"
    ] = 1
    run.__dict__["eregulons"] = triplets
    strongest = run.network.sort_values("weight").tail(2)
    best = triplets.loc[[first, second], ["tf", "gene"]]
    assert set(map(tuple, strongest[["tf", "gene"]].to_numpy())) == set(
        map(tuple, best.to_numpy())
    )
    assert run.network["weight"].between(0.1, 1).all()


def test_arms_and_seeds_that_are_not_there_are_named(
    run: gf.Run, tmp_path: Path
) -> None:
    model = run.model("hybrid", 2)
    assert model.folder == run.folder / "pretrain/hybrid/seed2"
    assert run.model("hybrid").seed == 1
    assert model.genes == model.card["genes"]
    assert model.heldout["loss_unit"] == "squared SD"
    with pytest.raises(InputError, match=r"no arm 'hybird'\n.*hybrid, no_edges, none"):
        run.model("hybird")
    with pytest.raises(InputError, match=r"no seed of the arm 'hybrid' 9\n.*1, 2"):
        run.model("hybrid", 9)
    shutil.copytree(run.folder / "grn", tmp_path / "x" / "grn")
    with pytest.raises(InputError, match="the run has no model"):
        gf.read_run(tmp_path).model("hybrid")


def test_a_stage_that_was_not_run_is_named(run: gf.Run, tmp_path: Path) -> None:
    shutil.copytree(run.folder / "grn", tmp_path / "x" / "grn")
    alone = gf.read_run(tmp_path / "x")
    assert len(alone.eregulons) == len(run.eregulons)
    with pytest.raises(
        InputError, match=r"(?s)no .*multiome.h5mu.*the stage prep writes"
    ):
        alone.read_cells("rna")
    with pytest.raises(InputError, match=r"no modality 'protein'.*\n.*atac, rna"):
        run.read_cells("protein")


def test_targets_and_regulators_agree(run: gf.Run) -> None:
    targets = gf.tl.targets_of(run, "G3", "K562")
    assert targets["weight"].is_monotonic_decreasing
    assert set(targets["tf"]) == {"G3"}
    for gene in targets["gene"].head(3):
        assert "G3" in set(gf.tl.regulators_of(run, gene, "K562")["tf"])
    with pytest.raises(InputError, match=r"no TF 'G59'"):
        gf.tl.targets_of(run, "G59")
    with pytest.raises(InputError, match=r"no regulated gene 'G1'\n.*G11 .*36 in all"):
        gf.tl.regulators_of(run, "G1")


def test_top_regulons_are_the_most_specific_ones(run: gf.Run) -> None:
    table = gf.tl.top_regulons(run, "T cell", n=3)
    of_type = run.specificity.query("cell_type == 'T cell'").set_index("eregulon")[
        "rss"
    ]
    assert table["rss"].tolist() == sorted(of_type, reverse=True)[:3]
    sizes = run.eregulons.groupby("eregulon")["region"].nunique()
    assert table["n_regions"].tolist() == sizes[table["eregulon"]].tolist()
    with pytest.raises(InputError, match="no cell type 'B cell'"):
        gf.tl.top_regulons(run, "B cell")


@drawn
def test_pictures(run: gf.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = gf.pl.network(run, "K562", tfs=["G2"], n_targets=4)
    assert isinstance(figure, go.Figure)
    named = [
        text for trace in figure.data if trace.text is not None for text in trace.text
    ]
    targets = gf.tl.targets_of(run, "G2", "K562")["gene"]
    assert "G2" in named
    assert len(named) == 1 + min(4, len(targets))
    with pytest.raises(InputError, match="no TF of K562 'G50'"):
        gf.pl.network(run, "K562", tfs=["G50"])

    axes = gf.pl.activity(run, ["G2", "G5_direct_+/+"], show=False)
    titles = [one.get_title() for one in axes if one.get_title()]
    assert titles == ["cell_type", "G2_direct_+/+", "G5_direct_+/+"]
    with pytest.raises(InputError, match="no eRegulon or TF 'MYC'"):
        gf.pl.activity(run, "MYC")


@drawn
def test_the_blocks_of_the_page_run(
    run: gf.Run, cells, bundle_of, settings, trained, tmp_path, monkeypatch
) -> None:
    import matplotlib.pyplot as plt

    folder = tmp_path / "work" / "results" / "snareseq"
    shutil.copytree(run.folder, folder)
    path, data, *_ = cells
    model = trained(path, data, bundle_of, settings, tmp_path)
    for place in ("pretrain/hybrid/seed1", "fuse/hybrid"):
        shutil.copytree(model.parents[2] / place, folder / place, dirs_exist_ok=True)
    # log1p of values per 10,000, as the model is given
    new = data.copy()
    scale = 1e4 / np.asarray(new.X.sum(axis=1))
    new.X = new.X.multiply(scale).tocsr().log1p()
    new.write_h5ad(tmp_path / "work" / "my_cells.h5ad")

    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(plt, "show", lambda *_: None)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["cells"].obsm["X_grnformer"].shape == (160, 16)
    assert isinstance(names["targets"], pd.DataFrame)
