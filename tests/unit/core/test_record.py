"""What made a file is written into it, and files of different states do not go together."""

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest

from grnformer.core import io, record
from grnformer.core.digests import sha256
from grnformer.core.errors import InputError

SPLIT = pd.DataFrame(
    {"cell": ["a", "b"], "cell_type": "T", "split": ["train", "heldout"]}
)


@pytest.fixture(autouse=True)
def outside_of_jobs(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(record, "git_commit", lambda checkout: "abc")
    yield
    record.use(None)


def started(rule: str = "train", inputs: Any = (), **changes: Any) -> dict[str, Any]:
    """Record of a job, as the script of a rule would make it."""
    params = {"settings": {"seed": 1, "rate": 0.1}, "code": "0123"}
    wildcards = {"dataset": "pbmc"} | changes.pop("wildcards", {})
    snakemake = SimpleNamespace(
        rule=rule,
        wildcards=wildcards,
        params=params | changes,
        input=[str(path) for path in inputs],
        output=["results/pbmc/train/out.parquet"],
    )
    return record.start(snakemake)


def write(path: Path, *job: Any, **changes: Any) -> Path:
    started(*job, **changes)
    io.write_table(SPLIT, path, "split")
    return path


def cells() -> anndata.AnnData:
    return anndata.AnnData(np.eye(3, dtype=np.float32))


def write_all(folder: Path) -> list[Path]:
    """One file of each kind."""
    folder.mkdir(exist_ok=True)
    mudata.set_options(pull_on_update=False)
    paths = [folder / name for name in ("a.parquet", "b.h5ad", "c.h5mu")]
    io.write_table(SPLIT, paths[0], "split")
    with io.atomic(paths[1]) as temporary:
        cells().write_h5ad(temporary)
        io.record_hdf5(temporary)
    with io.atomic(paths[2]) as temporary:
        mudata.MuData({"rna": cells()}).write_h5mu(temporary)
        io.record_hdf5(temporary)
    return paths


def test_files_carry_the_record_and_nothing_else_changes(tmp_path: Path) -> None:
    plain = write_all(tmp_path / "plain")
    assert [record.read_record(path) for path in plain] == [None] * 3
    made = started(inputs=plain)
    paths = write_all(tmp_path / "made")
    assert [record.read_record(path) for path in paths] == [made] * 3
    assert record.read_record(tmp_path / "made") == made, "of a folder"
    pd.testing.assert_frame_equal(pd.read_parquet(paths[0]), pd.read_parquet(plain[0]))
    assert (anndata.read_h5ad(paths[1]).X == cells().X).all()
    assert anndata.read_h5ad(paths[1]).uns == {}
    assert mudata.read_h5mu(paths[2]).mod.keys() == {"rna"}


def test_the_same_job_gives_the_same_bytes_wherever_it_runs(tmp_path: Path) -> None:
    seen = []
    for folder in (tmp_path / "here", tmp_path / "there"):
        given = folder / "rna.h5ad"
        folder.mkdir()
        given.write_text("counts")
        made = started(
            inputs=[given],
            contents={str(given): "12"},
            settings={"table": str(folder / "prior.tsv"), "workers": len(seen)},
        )
        assert str(folder) not in record.as_text(made)
        seen.append([path.read_bytes() for path in write_all(folder / "made")])
    assert seen[0] == seen[1]


def test_a_record_says_what_its_inputs_rest_on(tmp_path: Path) -> None:
    given = tmp_path / "rna.h5ad"
    given.write_text("counts")
    first = write(tmp_path / "1.parquet", "ingest", [given], contents={str(given): ""})
    second = write(tmp_path / "2.parquet", "filter", [first])
    found = started("annotate", [second])
    assert list(found["rests_on"]["jobs"]) == [
        "filter dataset=pbmc",
        "ingest dataset=pbmc",
    ]
    counts = {"file": "rna.h5ad", "digest": f"sha256:{sha256(given)}"}
    assert found["rests_on"]["files"] == [counts]
    assert "digest" not in found["inputs"][0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"settings": {"seed": 1, "rate": 0.2}},
            r"with rate 0\.1, .*b\.parquet with 0\.2",
        ),
        ({"settings": {"seed": 1}}, r"with rate 0\.1, .* with unknown"),
        ({"code": "4567"}, "with code 0123, .* with 4567"),
    ],
)
def test_files_of_one_rule_made_otherwise_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    arms = [{"arm": "none"}, {"arm": "hybrid"}]
    one = write(tmp_path / "a.parquet", wildcards=arms[0], arm={"adapter": False})
    two = write(tmp_path / "b.parquet", wildcards=arms[1], arm={"adapter": True})
    started("score", [one, two])
    other = write(tmp_path / "b.parquet", wildcards=arms[1], arm={}, **changes)
    with pytest.raises(InputError, match=message) as error:
        started("score", [one, other])
    assert "--forcerun train" in error.value.remedy


def test_arms_may_differ_in_what_they_name_for_themselves(tmp_path: Path) -> None:
    def trained(name: str, layer: str, steps: int = 9, **arm: Any) -> Path:
        settings = {"size": {"gnn": {"name": layer}, "steps": steps}}
        wildcards = {"arm": name}
        path = tmp_path / f"{name}.parquet"
        return write(path, wildcards=wildcards, arm=arm, settings=settings)

    plain = trained("hybrid", "sage")
    started("score", [plain, trained("gat", "gat", gnn="gat")])
    with pytest.raises(InputError, match="steps 9"):
        started("score", [plain, trained("gat", "gat", 8, gnn="gat")])
    with pytest.raises(InputError, match=r"gnn\.name sage"):
        started("score", [plain, trained("gat", "gat")])


def test_other_datasets_and_files_of_the_user_are_no_matter(tmp_path: Path) -> None:
    one = write(tmp_path / "a.parquet")
    two = write(tmp_path / "b.parquet", wildcards={"dataset": "brain"}, code="4567")
    mine = write(tmp_path / "c.parquet", code="4567")
    record.use(None)
    plain = tmp_path / "d.parquet"
    io.write_table(SPLIT, plain, "split")
    started("score", [one, two, mine, plain], contents={str(mine): ""})
    with pytest.raises(InputError, match=r"with code 0123, .* with 4567"):
        started("score", [one, two, mine, plain])


def test_two_states_of_one_job_do_not_go_together(tmp_path: Path) -> None:
    """As after a kill: one of two results was made anew, from new links."""
    links = write(tmp_path / "links.parquet", "link")
    old = write(tmp_path / "old.parquet", "attach", [links])
    links = write(tmp_path / "links.parquet", "link", settings={"rate": 0.2})
    new = write(tmp_path / "new.parquet", "weigh", [links])
    with pytest.raises(
        InputError, match="different results of the job link dataset=pbmc"
    ):
        started("score", [old, new])
    started("score", [old])


def test_where_and_how_a_job_ran_is_no_setting() -> None:
    one, other = (started(settings={"workers": n, "rate": 1}) for n in (1, 2))
    assert record.fingerprint(one) == record.fingerprint(other)
    changed = copy.deepcopy(one)
    changed["settings"]["settings"]["rate"] = 2
    assert record.fingerprint(one) != record.fingerprint(changed)


def test_a_fetched_file_of_another_sha_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "tss.bed"
    path.write_text("chr1\t100")
    started(inputs=[path], contents={str(path): f"sha256:{sha256(path)}"})
    with pytest.raises(InputError, match=f"{path} has sha256:") as error:
        started(inputs=[path], contents={str(path): "sha256:0123"})
    assert "grnformer fetch" in error.value.remedy


def test_a_broken_file_has_no_record(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.h5ad", "model.json"):
        (tmp_path / name).write_text("{half")
    assert record.read_record(tmp_path) is None


def test_a_record_is_carried_no_longer_than_its_block() -> None:
    def fails() -> None:
        with record.carried(None):
            assert record.current() is None
            raise OSError("full")

    before = started()
    with pytest.raises(OSError, match="full"):
        fails()
    assert record.current() is before
