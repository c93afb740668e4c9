"""A model given away in one folder: what it holds, where it is taken, and what is refused."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from grnformer.cli.main import main
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.graph.bundle import write_bundle
from grnformer.infer.embed import embed_anndata
from grnformer.infer.model_bundle import open_model_bundle
from grnformer.model.saved import save_model
from grnformer.train.pretrain import pretrain

SETTINGS = {
    "batch_size": 16,
    "seed": 1,
    "mapping": {"exact_up_to": 500, "usual_quantile": 0.95, "warn_above": 1.0},
}


@pytest.fixture
def model(cells, bundle_of, settings, tmp_path: Path) -> Path:
    """Folder of a model that was hardly trained, its graph where the workflow puts it."""
    path, data, *_ = cells
    bundle = bundle_of("hybrid")
    folder = tmp_path / "results" / "x" / "pretrain" / "hybrid" / "seed1"
    settings["size"] = settings["size"] | {"steps": 1, "warmup_steps": 0}
    options = {"model_seed": 1, "checkpoints": tmp_path / "c", "threads": 1}
    with Corpus.of_dataset(path, bundle.graph.genes["gene"].tolist()) as store:
        done = pretrain(
            store,
            split_cells(data.obs, heldout_fraction=0.25, seed=1),
            bundle,
            {"graph": "hybrid", "adapter": True, "perturbation": "none"},
            settings,
            checkpoint=None,
            medians=None,
            **options,
        )
    files = (folder / "model.safetensors", folder / "model.json")
    save_model(done.model, done.card, *files)
    io.write_table(done.reference, folder / "reference.parquet", "reference_embedding")
    io.write_json(done.heldout, folder / "heldout.json", "heldout")
    write_bundle(bundle, tmp_path / "results" / "x" / "fuse" / "hybrid")
    return folder


def test_a_bundle_is_written_taken_and_refused(
    model: Path, cells, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away, genes = tmp_path / "away" / "mine", json.loads((model / "model.json").read_text())["genes"]  # fmt: skip
    (tmp_path / "aliases.tsv").write_text(f"alias\tsymbol\nother\t{genes[0]}\n")
    command = ["bundle", str(model), "--to", str(away), "--aliases", str(tmp_path / "aliases.tsv")]  # fmt: skip
    assert main(command) == 0
    assert capsys.readouterr().out == f"{away}\n"
    assert main(command) == 1
    assert "is there already" in capsys.readouterr().err

    # elsewhere, without the run: the same embedding, and a gene is found by its alias
    cells[1].X = (cells[1].X * 10).ceil()
    expected, found = (cells[1][:30].copy() for _ in range(2))
    embed_anndata(expected, model, settings=SETTINGS)
    shutil.rmtree(tmp_path / "results")
    found.var_names = ["other", *found.var_names[1:]]
    embed_anndata(found, away, settings=SETTINGS)
    np.testing.assert_array_equal(
        found.obsm["X_grnformer"], expected.obsm["X_grnformer"]
    )
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=away, check=False)  # fmt: skip
    assert done.returncode == 0
    card = (away / "README.md").read_text()
    assert "held-out cells" in card
    assert "No licence was given" in (away / "LICENCE.md").read_text()

    def refused(change, message: str, **options: object) -> None:
        copy = tmp_path / "copy"
        shutil.copytree(away, copy)
        change(copy)
        with pytest.raises(InputError, match=message):
            open_model_bundle(copy, **options)
        shutil.rmtree(copy)

    def alter(name: str):
        def change(folder: Path) -> None:
            content = bytearray((folder / name).read_bytes())
            content[len(content) // 2] ^= 1
            (folder / name).write_bytes(content)

        return change

    def forget(folder: Path) -> None:
        sums = (folder / "SHA256SUMS").read_text().splitlines()
        left = [line for line in sums if "weights" not in line and "safetensors" not in line]  # fmt: skip
        (folder / "SHA256SUMS").write_text("\n".join(left) + "\n")

    def newer(folder: Path) -> None:
        io.write_json({"format": 2}, folder / "bundle.json")

    refused(alter("model.safetensors"), "altered: model.safetensors")
    refused(alter("graph/edges.parquet"), "altered: graph/edges.parquet")
    refused(lambda folder: (folder / "reference.parquet").unlink(), "missing: reference.parquet")  # fmt: skip
    refused(forget, "missing: model.safetensors")
    refused(newer, "has the format 2")
    refused(lambda folder: (folder / "bundle.json").unlink(), "has no bundle.json")
    other = tmp_path / "other.tsv"
    pairs = enumerate(reversed(genes))
    other.write_text("gene_name\tindex\n" + "".join(f"{gene}\t{i}\n" for i, gene in pairs))  # fmt: skip
    refused(lambda folder: None, "genes of the model have another entry", vocabulary=other)  # fmt: skip
