"""init and check: a sheet and a config from files, and what is wrong with them before a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import mudata
import pandas as pd
import pytest
import scipy.sparse as sp
import yaml

from grnformer.cli import check, init
from grnformer.cli.check import compare_names
from grnformer.cli.main import main
from grnformer.cli.shown import look_at
from grnformer.core.errors import InputError
from grnformer.grn.cistromes import check_without_atac
from grnformer.settings.read import complete
from grnformer.simulate.multiome import Simulation, simulate_multiome
from grnformer.simulate.write import write_simulation
from grnformer.workflow.samples import rna_alone


@pytest.fixture(scope="module")
def planted() -> Simulation:
    return simulate_multiome(seed=3, n_cells=60, n_genes=60, n_tfs=4)


@pytest.fixture
def place(planted: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the data in `lab`, whose genome stands in for hg38."""
    write_simulation(planted, tmp_path / "lab")
    monkeypatch.chdir(tmp_path)
    of_lab = yaml.safe_load((tmp_path / "lab" / "config.yaml").read_text())
    of_lab = {key: of_lab[key] for key in ("grn", "fuse")}
    tss = {"tss": str(tmp_path / "lab" / "tss.tsv.gz")}
    of_lab["genomes"] = {"hg38": tss, "hg19": tss}

    def with_lab(config: dict[str, Any]) -> dict[str, Any]:
        return complete(of_lab | config)

    for module in (init, check):
        monkeypatch.setattr(module, "complete", with_lab)
    return tmp_path


FILES = ("lab/rna.h5ad", "lab/atac.h5ad", "lab/annotation.tsv")
INIT = ("init", *FILES, "--genome", "hg38")


def test_sheet_and_config_are_written_once(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(INIT) == 0
    shown = capsys.readouterr().out
    assert "60 of 60 cells of the RNA are in the ATAC" in shown
    sheet = pd.read_csv("config/samples.tsv", sep="\t", keep_default_na=False)
    assert sheet.to_dict("records") == [
        {"dataset": "lab", "sample": "rna", "donor": "", "rna": "lab/rna.h5ad", "atac": "lab/atac.h5ad",
         "fragments": "", "genome": "hg38", "annotation": "lab/annotation.tsv"}
    ]  # fmt: skip
    text = Path("config/config.yaml").read_text()
    assert len(text.splitlines()) <= 15
    assert yaml.safe_load(text)["samples"] == "config/samples.tsv"
    assert complete(yaml.safe_load(text))["pretrain"]["datasets"] == []

    assert main(INIT) == 1
    assert "config/samples.tsv is there already" in capsys.readouterr().err
    assert Path("config/config.yaml").read_text() == text


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["lab/rna.h5ad"], "1 file with RNA and 0 with ATAC"),
        (["lab/rna.h5ad"], "if there is no ATAC of these cells, add --rna-alone"),
        (["lab/rna.h5ad", "--rna-alone"], "To mend it: name that of the reference"),
        (["lab/rna.h5ad", "lab/atac.h5ad", "--rna-alone"], "lab/atac.h5ad (atac)"),
        (["lab/annotation.tsv", "--rna-alone"], "lab/annotation.tsv (annotation)"),
        (["lab/rna.h5ad", "lab/rna.h5ad"], "2 files with RNA and 0 with ATAC"),
        (["lab/rna.h5ad", "lab/none.h5ad"], "no file or folder lab/none.h5ad"),
        (["lab/rna.h5ad", "lab/atac.h5ad"], "regions are too few to tell"),
    ],
)
def test_what_is_not_clear_is_refused_and_nothing_written(
    place: Path, files: list[str], found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", *files]) == 1
    assert found in capsys.readouterr().err
    assert not Path("config/samples.tsv").exists()
    assert not Path("config/config.yaml").exists()


def test_rna_alone_is_declared_by_an_option(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("lab/rna.h5ad", "lab/annotation.tsv")
    assert main(["init", *files, "--rna-alone", "--genome", "hg38"]) == 0
    assert "are in the ATAC" not in capsys.readouterr().out
    sheet = pd.read_csv("config/samples.tsv", sep="\t", keep_default_na=False)
    assert sheet.to_dict("records") == [
        {"dataset": "lab", "sample": "rna", "donor": "", "rna": "lab/rna.h5ad", "atac": "",
         "fragments": "", "genome": "hg38", "annotation": "lab/annotation.tsv"}
    ]  # fmt: skip
    config = complete(yaml.safe_load(Path("config/config.yaml").read_text()))
    check_without_atac({"lab": config}, rna_alone(sheet))


def test_samples_of_several_folders_are_a_dataset_of_the_folder_around(
    place: Path,
) -> None:
    for name in ("first", "second"):
        (place / "trial" / name).mkdir(parents=True)
        for kind in ("rna", "atac"):
            data = anndata.read_h5ad(f"lab/{kind}.h5ad")
            data.write_h5ad(f"trial/{name}/{kind}.h5ad")
    files = [str(path) for path in sorted(Path("trial").glob("*/*.h5ad"))]
    assert main(["init", *files, "--genome", "hg38"]) == 0
    sheet = pd.read_csv("config/samples.tsv", sep="\t")
    assert sheet["dataset"].tolist() == ["trial", "trial"]
    assert sheet["sample"].tolist() == ["first", "second"]


def test_linked_files_are_called_as_the_links_are(place: Path) -> None:
    Path("mine").mkdir()
    for kind in ("rna", "atac"):
        Path("mine", f"{kind}.h5ad").symlink_to(place / "lab" / f"{kind}.h5ad")
    assert main(["init", "mine/rna.h5ad", "mine/atac.h5ad", "--genome", "hg38"]) == 0
    sheet = pd.read_csv("config/samples.tsv", sep="\t")
    assert sheet.loc[0, ["dataset", "rna"]].tolist() == ["mine", "mine/rna.h5ad"]


def test_corrected_counts_are_rounded_on_request(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rna = anndata.read_h5ad("lab/rna.h5ad")
    # largest count above that of logarithms
    rna.X = sp.csr_matrix(rna.X, dtype="float32") * 0.9
    rna.write_h5ad("lab/rna.h5ad")
    assert main(INIT) == 1
    assert "grnformer init --round-counts" in capsys.readouterr().err

    assert main([*INIT, "--round-counts"]) == 0
    config = yaml.safe_load(Path("config/config.yaml").read_text())
    assert config["prep"]["counts"] == "round"
    assert complete(config)["prep"]["counts"] == "round"


def test_values_that_may_be_logarithms_are_not_rounded(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rna = anndata.read_h5ad("lab/rna.h5ad")
    rna.X = sp.csr_matrix(rna.X, dtype="float32").log1p()
    rna.write_h5ad("lab/rna.h5ad")
    assert main([*INIT, "--round-counts"]) == 1
    assert "which may be logarithms" in capsys.readouterr().err
    assert not Path("config/config.yaml").exists()


def _proteins(cells: anndata.AnnData) -> anndata.AnnData:
    proteins = cells[:, :2].copy()
    proteins.var_names = ["CD3_prot", "CD19_prot"]
    return proteins


@pytest.mark.parametrize(
    ("modalities", "files", "rna", "atac"),
    [
        (("rna", "atac", "prot"), ["cells.h5mu"], "rna", "atac"),
        (("GEX", "peaks"), ["cells.h5mu"], "GEX", "peaks"),
        (("GEX", "peaks", "prot"), ["cells.h5mu:GEX", "cells.h5mu:peaks/X"], "GEX", "peaks/X"),
        (("rna", "atac"), ["cells.h5mu", "--rna-alone"], "rna", None),
    ],
)  # fmt: skip
def test_a_mudata_is_shown_whole_or_by_its_parts(
    place: Path, modalities: tuple[str, ...], files: list[str], rna: str, atac: str
) -> None:
    held = [anndata.read_h5ad(f"lab/{name}.h5ad") for name in ("rna", "atac")]
    held.append(_proteins(held[0]))
    mudata.set_options(pull_on_update=False)
    written = mudata.MuData(dict(zip(modalities, held, strict=False)))
    written.write("cells.h5mu")
    assert main(["init", *files, "--genome", "hg38"]) == 0
    sheet = pd.read_csv("config/samples.tsv", sep="\t", keep_default_na=False)
    assert sheet.loc[0, "rna"] == f"cells.h5mu:{rna}"
    assert sheet.loc[0, "atac"] == (f"cells.h5mu:{atac}" if atac else "")


def test_modalities_that_may_be_rna_are_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rna, atac = (anndata.read_h5ad(f"lab/{name}.h5ad") for name in ("rna", "atac"))
    mudata.set_options(pull_on_update=False)
    mudata.MuData({"GEX": rna, "peaks": atac, "prot": _proteins(rna)}).write(
        "cells.h5mu"
    )
    assert main(["init", "cells.h5mu", "--genome", "hg38"]) == 1
    error = capsys.readouterr().err
    assert "2 files with RNA and 1 with ATAC: cells.h5mu:GEX (rna)" in error
    assert "name the modality" in error


def test_a_species_with_one_build_needs_no_genome(
    place: Path, planted: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Genes written as in mouse, whose sites are planted under mm10."""
    rna = anndata.read_h5ad("lab/rna.h5ad")
    sites = pd.read_csv("lab/tss.tsv.gz", sep="\t")
    mouse = {name: f"Mus{i}" for i, name in enumerate(rna.var_names)}
    rna.var_names = [mouse[name] for name in rna.var_names]
    rna.write_h5ad("lab/rna.h5ad")
    sites["gene"] = sites["gene"].map(mouse).fillna("Other")
    sites.to_csv("mouse.tsv.gz", sep="\t", index=False)

    with pytest.MonkeyPatch.context() as patch:
        of_human = init.complete({})
        patch.setattr(
            init,
            "complete",
            lambda config: complete(
                of_human | {"genomes": of_human["genomes"] | {"mm10": {"tss": "mouse.tsv.gz"}}} | config
            ),
        )  # fmt: skip
        assert main(["init", "lab/rna.h5ad", "--rna-alone"]) == 0
    shown = capsys.readouterr().out
    assert "genome: mm10, the only build of this species" in shown
    assert "grnformer run --config mouse" in shown


def test_cells_of_other_barcodes_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    atac = anndata.read_h5ad("lab/atac.h5ad")
    atac.obs_names = [f"OTHER{chr(65 + i // 26)}{chr(65 + i % 26)}" for i in range(60)]
    atac.write_h5ad("lab/atac.h5ad")
    assert main(INIT) == 1
    error = capsys.readouterr().err
    assert "share 0 barcodes" in error
    assert "prep.pairing: pseudocells" in error


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def to(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return to


def test_files_are_known_by_what_is_in_them(
    write: Callable[[str, str], Path], tmp_path: Path
) -> None:
    fragments = write("x.tsv", "# made by\nchr1\t5\t90\tACGT-1\t2\nchr1\t7\t95\tTTTT-1\t1\n")  # fmt: skip
    assert look_at(fragments).kind == "fragments"
    assert list(look_at(fragments).barcodes) == ["ACGT-1", "TTTT-1"]
    assert look_at(write("t.csv", "cell,type\nA,T cell\nB,B cell\n")).kind == "annotation"  # fmt: skip
    assert look_at(write("r.csv", ",A,B\nTP53,1,0\nMYC,0,4\n")).kind == "rna"
    assert look_at(write("a.csv", ",A,B\nchr1:1-9,1,0\nchr1:20-29,0,4\n")).kind == "atac"  # fmt: skip
    # one cell: two columns of which one are numbers
    assert look_at(write("o.csv", ",A\nTP53,1\nMYC,4\n")).kind == "rna"

    mixed = anndata.AnnData(
        sp.csr_matrix([[1, 2, 3, 4]] * 2),
        obs=pd.DataFrame(index=["A", "B"]),
        var=pd.DataFrame(index=["TP53", "MYC", "JUN", "chr1:1-9"]),
    )
    mixed.write_h5ad(tmp_path / "m.h5ad")
    with pytest.raises(InputError, match="25% of the features are named like regions"):
        look_at(tmp_path / "m.h5ad")
    mixed.var["feature_types"] = ["Gene Expression"] * 3 + ["Peaks"]
    mixed.write_h5ad(tmp_path / "m.h5ad")
    both = look_at(tmp_path / "m.h5ad")
    assert both.kind == "both"
    assert both.names[0].tolist() == ["TP53", "MYC", "JUN"], "no peak tells a species"


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["d/rna.h5ad"], ["rna"]),
        (["s1", "s2"], ["s1", "s2"]),
        (["s1/outs/filtered.h5", "s2/outs/filtered.h5"], ["s1", "s2"]),
        (["a/same.h5", "a/same.h5"], ["sample_1", "sample_2"]),
    ],
)
def test_samples_are_named_by_what_differs(paths: list[str], names: list[str]) -> None:
    assert init.sample_names([Path(path) for path in paths]) == names


def test_a_stage_of_models_needs_models() -> None:
    networks = complete({"pretrain": {"datasets": []}})
    check.check_asked(networks, ["grn"])
    check.check_asked(networks, ["grn", "fuse"])
    check.check_asked(networks, [])
    check.check_asked(complete({"pretrain": {"datasets": None}}), ["fuse"])
    with pytest.raises(
        InputError, match="fuse, and a config that asks for no model"
    ) as caught:
        check.check_asked(networks, ["fuse"])
    assert "--config models" in caught.value.remedy


def test_names_of_another_species_are_refused() -> None:
    human = {"TP53", "MYC", "GATA1", "JUN"}
    assert compare_names({"TP53", "MYC", "XIST"}, human, "x") == "2 of 4 are measured"
    with pytest.raises(InputError, match="2 differ by upper and lower case alone"):
        compare_names({"Tp53", "Myc", "Xist"}, human, "x")
    with pytest.raises(InputError, match="0 of 4 names of x"):
        compare_names({"lin-35"}, human, "x")


@pytest.fixture
def checked(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run check on a sheet with the files given in place of those of `place`; its exit status and what it prints."""
    # the plan is Snakemake's, and has tests of its own
    monkeypatch.setattr(check, "plan_jobs", lambda *arguments: [])
    # no test asks the network
    monkeypatch.setattr(check, "find_unreachable", lambda *arguments: {})

    def run(*settings: str, **files: str) -> tuple[int, str]:
        row = {
            "dataset": "lab", "sample": "s", "rna": "lab/rna.h5ad", "atac": "lab/atac.h5ad", "genome": "hg38",
            "annotation": "lab/annotation.tsv",
        } | files  # fmt: skip
        Path("config").mkdir(exist_ok=True)
        pd.DataFrame([row]).to_csv("config/samples.tsv", sep="\t", index=False)
        Path("config/config.yaml").write_text("samples: config/samples.tsv\n")
        options = [word for text in settings for word in ("--set", text)]
        status = main(["check", *options])
        return status, capsys.readouterr().out

    return run


def test_check_reads_rna_alone(checked: Callable[..., tuple[int, str]]) -> None:
    status, shown = checked(atac="")
    assert status == 0
    assert "sample s\t60 cells, " in shown
    assert "ATAC" not in shown
    status, shown = checked("prep.cells.min_umis=100000", atac="")
    assert status == 1
    assert "Expected: cells with 100000 UMIs\n" in shown


def test_check_reads_places_in_files(
    place: Path, checked: Callable[..., tuple[int, str]]
) -> None:
    """RNA counts are in a layer of one modality; X has other values, which are refused."""
    rna, atac = (anndata.read_h5ad(f"lab/{name}.h5ad") for name in ("rna", "atac"))
    rna.layers["umi"] = rna.X.copy()
    rna.X = rna.X * 0.5
    mudata.MuData({"GEX": rna, "peaks": atac}).write_h5mu("lab/cells.h5mu")
    files = {"atac": "lab/cells.h5mu:peaks"}
    status, shown = checked(rna="lab/cells.h5mu:GEX/layers/umi", **files)
    assert status == 0
    assert "sample s\t60 paired cells, " in shown
    status, shown = checked(rna="lab/cells.h5mu:GEX/X", **files)
    assert status == 1
    assert "whole numbers" in shown
    status, shown = checked(rna="lab/cells.h5mu:GEX/layers/none", **files)
    assert status == 1
    assert "sample s\t" in shown
    assert "umi" in shown


def test_check_compares_names_by_orthologs(
    place: Path, checked: Callable[..., tuple[int, str]]
) -> None:
    """A prior of another species is compared with the data by the genes whose orthologs it has."""
    prior = pd.read_parquet("lab/prior.parquet")
    genes = sorted(set(prior["gene"]))
    prior.assign(gene="X" + prior["gene"]).to_parquet("other.parquet")
    table = "".join(f"{gene}\tX{gene}\n" for gene in genes)
    Path("orthologs.tsv").write_text(table)
    Path("swapped.tsv").write_text("".join(f"X{g}\t{g}\n" for g in genes))
    other = ("grn.tfs.lists=[lab/tfs.txt]", "grn.cistromes.prior.table=other.parquet")

    status, shown = checked(*other)
    assert status == 1
    assert "names of grn.cistromes.prior.table are measured" in shown
    status, shown = checked(*other, "grn.cistromes.prior.orthologs=orthologs.tsv")
    assert status == 0
    assert (
        f"targets of the prior (lab)\t{len(genes)} of {len(genes)} are measured"
        in shown
    )
    status, shown = checked(*other, "grn.cistromes.prior.orthologs=swapped.tsv")
    assert status == 1
    assert "the columns may stand the other way round" in shown


def test_check_reads_the_samples_and_says_what_would_stop(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(INIT) == 0
    capsys.readouterr()
    # the plan is Snakemake's, and has tests of its own
    monkeypatch.setattr(check, "plan_jobs", lambda *arguments: [])
    # no test asks the network
    monkeypatch.setattr(check, "find_unreachable", lambda *arguments: {})
    assert main(["check"]) == 0
    shown = capsys.readouterr().out
    assert "sample rna\t60 paired cells, " in shown
    assert shown.count("are measured\tok") == 2, "TFs and targets"

    assert main(["check", "--set", "prep.cells.min_umis=100000"]) == 1
    shown = capsys.readouterr().out
    assert "0 pass the bounds of these\tstop" in shown
    assert "Expected: cells with 100000 UMIs" in shown
