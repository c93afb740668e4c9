"""A cistrome method and a backbone of one new file each: found, given settings and run by config only."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CISTROMES = '''"""Cistromes of known targets that have enough sources."""

import pandas as pd

from grnformer.core.methods import method
from grnformer.grn.cistromes.evidence import COLUMNS, Evidence
from grnformer.settings.key import Settings, key


class WellKnown(Settings):
    """Known targets that have enough sources."""

    least: int = key(1, "sources of a pair", ge=1)


@method("well_known", settings=WellKnown)
def cistromes(evidence: Evidence, settings: dict[str, int]) -> pd.DataFrame:
    """Join the pairs with the regions linked to their gene."""
    pairs = evidence.prior[evidence.prior["tf"].isin(evidence.tfs)]
    pairs = pairs[pairs["sources"].str.count(";") + 1 >= settings["least"]]
    joined = pairs.merge(evidence.links[["region", "gene"]], on="gene")
    joined = joined.assign(annotation="direct", evidence="well_known:" + joined["sources"], score=1.0)
    return joined[COLUMNS].sort_values(["tf", "gene", "region"], ignore_index=True)
'''


@pytest.fixture
def extended(checkout: Path, tmp_path: Path) -> Path:
    """A copy of the checkout with one new file a method, and settings generated again."""
    copy = shutil.copytree(checkout, tmp_path / "checkout")
    (copy / "grnformer/grn/cistromes/well_known.py").write_text(CISTROMES)
    backbones = copy / "grnformer/model/backbones"
    like_scgpt = (
        (backbones / "scgpt.py").read_text().replace('    "scgpt",', '    "mine",', 1)
    )
    (backbones / "mine.py").write_text(like_scgpt)
    environment = os.environ | {"PYTHONPATH": str(copy)}
    subprocess.run(
        [sys.executable, "-m", "grnformer.settings"],
        cwd=copy,
        env=environment,
        check=True,
    )
    return copy


def test_a_new_file_is_a_method(spare, make_workplace, extended: Path) -> None:
    """What does not depend on the methods is there from the finished run, and is not made again."""
    defaults = yaml.safe_load((extended / "workflow/defaults/grn.yaml").read_text())
    assert defaults["grn"]["cistromes"]["well_known"] == {"least": 1}
    changes = {
        "grn": {"cistromes": {"method": "well_known", "well_known": {"least": 2}}}
    }
    update_config(
        changes,
        {"pretrain": {"backbone": "mine", "arms": {"hybrid": {"graph": "hybrid"}}}},
    )
    place = make_workplace(spare.folder, spare.scenario, extended, **changes)
    run = place.must("--", "results/simulated/pretrain/hybrid/seed1/model.json")
    assert {"build_cistromes", "build_eregulons", "pretrain_model"} <= set(run.jobs)
    assert not {"infer_tf_gene", "link_regions", "fit_topics", "filter_multiome"} & set(
        run.jobs
    )

    results = place.folder / "results/simulated"
    evidence = pd.read_parquet(results / "grn/cistromes.parquet")["evidence"]
    assert evidence.str.startswith("well_known:").all()
    assert evidence.str.contains(";").all(), "pairs of two sources at least"
    card = json.loads((results / "pretrain/hybrid/seed1/model.json").read_text())
    assert card["arguments"]["backbone"]["name"] == "mine"


def test_a_method_of_no_file_is_refused_with_those_that_there_are(
    spare, make_workplace, extended: Path
) -> None:
    changes = {"grn": {"cistromes": {"method": "little_known"}}}
    run = make_workplace(spare.folder, spare.scenario, extended, **changes).snakemake(
        "-n"
    )
    assert run.status
    assert "well_known" in run.terminal
