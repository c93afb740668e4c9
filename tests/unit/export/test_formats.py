"""Every format of `grnformer export` gives back what was written, and says what the run lacks."""

import importlib.util
import json
import shutil
from pathlib import Path

import anndata
import h5py
import mudata
import networkx
import numpy as np
import pandas as pd
import pytest

from grnformer.api.run import Run
from grnformer.cli.main import main
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.export import bigwig, formats
from grnformer.export.formats import FORMATS, export
from grnformer.export.graphml import as_graphml
from grnformer.export.scope import write_loom
from grnformer.grn.given.read import read_network

TYPES = {"A<549>": "A_549_", "K562": "K562", "T cell": "T_cell"}


@pytest.fixture(scope="session")
def written(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    names = [one.name for one in export(run, folder, FORMATS_WRITTEN)]
    assert names == FORMATS_WRITTEN
    return folder


#: all but bigWig, which takes fragments
FORMATS_WRITTEN = [name for name in FORMATS if name != "bigwig"]


def edges_of(network: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Signed weight of each pair."""
    signed = network["weight"] * network["sign"]
    return dict(
        zip(zip(network["tf"], network["gene"], strict=True), signed, strict=True)
    )


def test_decoupler_gets_signed_edges_of_each_type(run: Run, written: Path) -> None:
    for name, stem in TYPES.items():
        table = pd.read_csv(written / f"decoupler/cell_type/{stem}.tsv", sep="\t")
        expected = edges_of(run.networks[name])
        found = table.set_index(["source", "target"])["weight"].to_dict()
        assert found == pytest.approx(expected, rel=1e-5)
        assert (table["weight"] < 0).any()
    overall = pd.read_csv(written / "decoupler/overall.tsv", sep="\t")
    pairs = run.eregulons[["tf", "gene"]].drop_duplicates()
    assert len(overall) == len(pairs)
    # a weight of 0 would drop the edge in silence
    assert overall["weight"].abs().between(0.01, 1).all()


def test_gene_sets_are_those_of_the_eregulons(run: Run, written: Path) -> None:
    sets = {}
    for line in (written / "gmt/overall.gmt").read_text().splitlines():
        name, _, *genes = line.split("\t")
        sets[name] = set(genes)
    assert sets == run.eregulons.groupby("eregulon")["gene"].agg(set).to_dict()
    of_type = (written / "gmt/cell_type/K562.gmt").read_text().splitlines()
    held = run.networks["K562"].explode("eregulons")
    assert sum(len(line.split("\t")) - 2 for line in of_type) == len(held)


def test_networkx_reads_the_graphs(run: Run, written: Path, tmp_path: Path) -> None:
    graph = networkx.read_graphml(written / "graphml/cell_type/T_cell.graphml")
    network = run.networks["T cell"]
    found = {(a, b): d["weight"] * d["sign"] for a, b, d in graph.edges(data=True)}
    assert found == pytest.approx(edges_of(network), rel=1e-3)
    assert graph.is_directed()
    assert graph.graph["name"] == "T cell"
    tfs = {name for name, kind in graph.nodes(data="kind") if kind == "TF"}
    assert tfs == set(network["tf"])
    assert dict(graph.out_degree(tfs)) == network.groupby("tf").size().to_dict()
    targets = {name: n for name, n in graph.nodes(data="n_targets") if n}
    assert targets == network.groupby("tf").size().to_dict()

    # names are escaped, regions are counted
    row = network.head(1).assign(tf='A<&"B', regions=[["chr1:1-2", "chr1:5-6"]])
    path = tmp_path / "one.graphml"
    path.write_text("".join(as_graphml(row, "A & B")), encoding="utf-8")
    one = networkx.read_graphml(path)
    ((tf, _, edge),) = one.edges(data=True)
    assert (tf, edge["n_regions"], one.graph["name"]) == ('A<&"B', 2, "A & B")


def test_cytoscape_tables_name_every_node_of_the_edges(run: Run, written: Path) -> None:
    folder = written / "cytoscape/cell_type"
    edges = io.read_table(folder / "A_549_.edges.tsv", "cytoscape_edges")
    nodes = io.read_table(folder / "A_549_.nodes.tsv", "cytoscape_nodes")
    assert set(edges["source"]) | set(edges["target"]) == set(nodes["name"])
    assert nodes["n_targets"].sum() == nodes["n_regulators"].sum() == len(edges)
    network = run.networks["A<549>"]
    assert (
        edges["regions"].str.split("|").tolist()
        == network["regions"].map(list).tolist()
    )
    assert (edges["interaction"] == "represses").tolist() == (
        network["sign"] < 0
    ).tolist()


def test_mudata_reads_what_scenicplus_would_leave(run: Run, written: Path) -> None:
    mudata.set_options(pull_on_update=False)
    data = mudata.read_h5mu(written / "scenicplus/scplusmdata.h5mu")
    assert set(data.mod) == {
        "scRNA_counts",
        "scATAC_counts",
        "direct_gene_based_AUC",
        "direct_region_based_AUC",
    }
    table = data.uns["direct_e_regulon_metadata"]
    keys = ["eRegulon_name", "Region", "Gene"]
    ours = run.eregulons[["eregulon", "region", "gene"]].to_numpy().tolist()
    assert table[keys].to_numpy().tolist() == ours
    assert set(table["regulation"]) == {1, -1}
    one = table[table["eRegulon_name"] == "G1_direct_+/+"]
    n_genes, n_regions = one["Gene"].nunique(), one["Region"].nunique()
    assert set(one["Gene_signature_name"]) == {f"G1_direct_+/+_({n_genes}g)"}
    assert set(one["Region_signature_name"]) == {f"G1_direct_+/+_({n_regions}r)"}

    by_genes, by_regions = (
        data["direct_gene_based_AUC"],
        data["direct_region_based_AUC"],
    )
    assert set(by_genes.var_names) == set(table["Gene_signature_name"])
    # eRegulons that the quality filter dropped are left out
    assert set(by_regions.var_names) == set(table["Region_signature_name"])
    assert by_regions.obs_names.tolist() == run.activity.obs_names.tolist()
    cell = by_regions.obs_names[3]
    name = f"G1_direct_+/+_({n_regions}r)"
    expected = run.region_activity.loc[cell, "G1_direct_+/+"]
    assert by_regions[cell, name].X.item() == pytest.approx(expected)
    types = data.obs["scRNA_counts:cell_type"]
    assert types.tolist() == run.activity.obs["cell_type"].astype(str).tolist()
    counts = run.read_cells("rna").layers["counts"]
    assert (counts != data["scRNA_counts"].X).nnz == 0
    places = run.umap.loc[data.obs_names]
    assert np.array_equal(data["scRNA_counts"].obsm["X_umap"], places)


def test_the_loom_has_pyscenics_attributes(run: Run, written: Path) -> None:
    """loompy itself reads it in tests/reference."""
    activity = run.activity
    with h5py.File(written / "scope/lines.loom") as loom:
        counts = run.read_cells("rna").layers["counts"].toarray()
        assert np.array_equal(loom["matrix"][()], counts.T)
        auc = loom["col_attrs/RegulonsAUC"][()]
        found = np.column_stack([auc[name] for name in auc.dtype.names])
        np.testing.assert_allclose(found, activity.X)
        members = loom["row_attrs/Regulons"][()]
        genes = loom["row_attrs/Gene"].asstr()[()]
        sets = run.eregulons.groupby("eregulon")["gene"].agg(set)
        for name in members.dtype.names:
            held = set(genes[members[name] == 1])
            regulon, size = name.split(" ")
            assert held == sets[regulon]
            assert size == f"({len(held)}g)"
        places = loom["col_attrs/Embedding"][()]
        np.testing.assert_allclose(places["_X"], activity.obsm["X_umap"][:, 0])
        meta = json.loads(loom["attrs/MetaData"].asstr()[()])
        clusters = {
            c["id"]: c["description"] for c in meta["clusterings"][0]["clusters"]
        }
        numbers = loom["col_attrs/ClusterID"][()]
        assert [clusters[n] for n in numbers] == activity.obs["cell_type"].tolist()
        thresholds = [t["defaultThresholdValue"] for t in meta["regulonThresholds"]]
        assert thresholds == pytest.approx(activity.var["threshold"].tolist())


def test_interact_keeps_the_rules_of_its_format(run: Run, written: Path) -> None:
    lines = (written / "tracks/links.interact").read_text().splitlines()
    assert lines[0].startswith('track name="lines links"')
    assert " type=interact " in lines[0]
    rows = [line.split("\t") for line in lines[1:]]
    links = run.eregulons[["region", "gene"]].drop_duplicates()
    assert {(row[11], row[16]) for row in rows} == set(map(tuple, links.to_numpy()))
    for row in rows:
        assert len(row) == 18
        start, end, score = int(row[1]), int(row[2]), int(row[4])
        ends = [int(row[i]) for i in (9, 10, 14, 15)]
        assert (start, end) == (min(ends), max(ends))
        assert 0 <= score <= 1000
        # the gene's first TSS is the nearer one; 0-based, one base wide
        number = sorted(set(run.eregulons["gene"])).index(row[16])
        assert ends[2:] == [900 * number, 900 * number + 1]
    starts = [int(row[1]) for row in rows]
    assert starts == sorted(starts)


def test_bed_has_every_site_of_the_cistromes(run: Run, written: Path) -> None:
    line, *rows = (written / "tracks/cistromes.bed").read_text().splitlines()
    assert line.startswith('track name="lines cistromes"')
    fields = [row.split("\t") for row in rows]
    found = {(f"{c}:{start}-{end}", tf) for c, start, end, tf, *_ in fields}
    sites = run.cistromes[["region", "tf"]]
    assert found == set(map(tuple, sites.to_numpy()))
    rows = (written / "tracks/cell_type/K562.regions.bed").read_text().splitlines()[1:]
    regions = {"{}:{}-{}".format(*row.split("\t")[:3]) for row in rows}
    assert regions == set(run.networks["K562"].explode("regions")["regions"])


@pytest.mark.parametrize(
    "name",
    [
        "decoupler/overall.tsv",
        "cytoscape/overall.edges.tsv",
        "genernib/lines.h5ad",
        "gretapy/lines.tsv",
        "scenicplus/scplusmdata.h5mu",
        "gmt/overall.gmt",
        "scope/lines.loom",
    ],
)
def test_a_network_comes_back_as_it_went(run: Run, written: Path, name: str) -> None:
    """What is exported can be given to another run: pairs and signs of all forms, weights where they have those."""
    expected = edges_of(run.network)
    assert min(expected.values()) < 0 < max(expected.values())
    found = read_network(written / name).table.drop_duplicates(["tf", "gene"])
    if name.startswith(("scenicplus", "gmt", "scope")):
        # SCENIC+ has the TF's importance in place of the weight
        expected = {pair: np.sign(weight) for pair, weight in expected.items()}
        found = found.assign(weight=1.0)
    found["weight"] = found["weight"].abs()
    assert edges_of(found) == pytest.approx(expected, rel=1e-5)


def test_genernib_is_told_the_dataset(written: Path) -> None:
    uns = anndata.read_h5ad(written / "genernib/lines.h5ad").uns
    assert (uns["dataset_id"], uns["method_id"]) == ("lines", "grnformer")


def test_without_names_what_the_run_lacks_is_left_out_and_said(
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = ["export", str(run.folder), "--to", str(tmp_path / "out"), "--formats"]
    assert main([*command, "gmt", "bigwig"]) == 1
    shown = capsys.readouterr()
    assert shown.out == f"{tmp_path / 'out' / 'gmt'}\n"
    assert "given as matrices" in shown.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["gmt"]

    for name, message in (("gmt", "is there already"), ("pdf", "no format 'pdf'")):
        assert main([*command, name]) == 1
        assert message in capsys.readouterr().err

    monkeypatch.setattr(formats, "FORMATS", ("bigwig", "genernib"))
    found = {f.name: f for f in export(run, tmp_path / "all", None)}
    assert found["genernib"].path == tmp_path / "all" / "genernib"
    assert found["bigwig"].path is None
    assert "matrices" in found["bigwig"].lacking


def test_a_link_without_a_tss_and_a_name_with_a_space_stop_the_tracks(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gene = run.eregulons["gene"].iloc[0]
    without = run.tss[run.tss["gene"] != gene]
    monkeypatch.setitem(run.__dict__, "tss", without)
    with pytest.raises(InputError, match=f"without a TSS .* {gene} on chr1"):
        list(export(run, tmp_path, ["tracks"]))
    assert not list(tmp_path.iterdir()), "whole or not at all"
    monkeypatch.undo()

    spaced = run.cistromes.assign(tf=run.cistromes["tf"].replace("G1", "G 1"))
    monkeypatch.setitem(run.__dict__, "cistromes", spaced)
    with pytest.raises(InputError, match=r"'G 1' in cistromes\.bed"):
        list(export(run, tmp_path, ["tracks"]))


def test_networks_of_genes_only_have_no_tracks(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    triplets = run.eregulons.assign(region="").drop_duplicates(["eregulon", "gene"])
    monkeypatch.setitem(run.__dict__, "eregulons", triplets)
    monkeypatch.setitem(run.__dict__, "modalities", ["rna"])
    found = {f.name: f for f in export(run, tmp_path, None)}
    lacking = {name for name, one in found.items() if one.path is None}
    assert lacking == {"tracks", "gretapy", "bigwig"}
    mudata.set_options(pull_on_update=False)
    data = mudata.read_h5mu(found["scenicplus"].path / "scplusmdata.h5mu")
    assert set(data.mod) == {"scRNA_counts", "direct_gene_based_AUC"}


def test_more_eregulons_than_a_loom_holds_are_refused(run: Run, tmp_path: Path) -> None:
    """HDF5 keeps the names of columns in 64 kB."""
    cells = run.read_cells("rna")
    few = run.eregulons.head(1)
    for n_eregulons, fits in ((1200, True), (3000, False)):
        names = [f"ZNF{i}_extended_+/+" for i in range(n_eregulons)]
        triplets = few.loc[few.index.repeat(n_eregulons)].assign(eregulon=names)
        var = pd.DataFrame({"threshold": 0.1}, index=names)
        x = np.zeros((cells.n_obs, n_eregulons), np.float32)
        activity = anndata.AnnData(x, run.activity.obs, var, obsm=run.activity.obsm)
        path = tmp_path / f"{n_eregulons}.loom"
        if fits:
            write_loom(path, cells, activity, triplets, "many")
            with h5py.File(path) as loom:
                assert len(loom["col_attrs/RegulonsAUC"].dtype) == n_eregulons
        else:
            with pytest.raises(InputError, match="3000 eRegulons"):
                write_loom(path, cells, activity, triplets, "many")


def test_coverage_is_asked_for_by_sample_barcode_and_type(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SnapATAC2 itself is in tests/unit/prep/fragments and tests/reference."""
    asked = {}

    def record(files, groups, folder, bin_size):
        asked.update(files=files, groups=groups)
        (folder / "K562.bw").touch()

    whole = tmp_path / "lines"
    shutil.copytree(run.folder, whole)
    stored = whole / "prep/fragments/s1/fragments.h5ad"
    stored.parent.mkdir(parents=True)
    stored.touch()
    monkeypatch.setattr(bigwig, "require_snapatac", lambda: None)
    monkeypatch.setattr(bigwig, "export_coverage", record)
    (found,) = export(Run(whole), tmp_path / "out", ["bigwig"])
    assert [path.name for path in found.path.iterdir()] == ["K562.bw"]
    assert asked["files"] == {"s1": str(stored)}
    rows = asked["groups"].reset_index(drop=True)
    types = run.activity.obs["cell_type"].astype(str)
    assert rows["barcode"].tolist() == [f"c{i}" for i in range(len(types))]
    assert rows["group"].tolist() == types.map(TYPES).tolist()

    monkeypatch.undo()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="make env-fragments"):
        list(export(Run(whole), tmp_path / "more", ["bigwig"]))
