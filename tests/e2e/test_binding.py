"""The scenario promoters.yaml on a simulation whose promoters carry motifs of the TFs that regulate their gene."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from snakemake.utils import update_config

from grnformer.core import io
from grnformer.simulate.multiome import simulate_multiome
from grnformer.simulate.write import write_simulation

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


def write_promoters(simulation, path: Path) -> None:
    """80 bp a gene, random but for a site of each of its TFs; one true edge in ten has none."""
    rng = np.random.default_rng(0)
    regulators = simulation.edges.groupby("gene")["tf"].unique()
    lines = []
    for gene in simulation.rna.var_names:
        bases = rng.integers(0, 4, 80)
        for number, tf in enumerate(regulators.get(gene, [])):
            if rng.random() < 0.9:
                site = simulation.motifs[tf].argmax(axis=1)
                bases[number * 20 : number * 20 + len(site)] = (
                    site if rng.random() < 0.5 else 3 - site[::-1]
                )
        lines.append(f"{gene}_1\t{''.join('ACGT'[b] for b in bases)}\n")
    path.write_text("".join(lines))


def test_binding_beats_the_baseline_and_the_wrong_tf(make_workplace, tmp_path):
    simulation = simulate_multiome(seed=1, n_cells=90, n_cell_types=2)
    data = tmp_path / "data"
    write_simulation(simulation, data)
    write_promoters(simulation, data / "promoters.txt")
    scenario = yaml.safe_load((ROOT / "config/scenarios/promoters.yaml").read_text())
    collections = [
        {"motifs": str(data / "motifs.jaspar"), "tfs": str(data / "motif_tfs.tsv")}
    ]
    binding = {
        "promoters": str(data / "promoters.txt"),
        "collections": collections,
        "tables": [],
        "n_bins": 40,
    }
    quick = {
        "topics": {"n_topics": [5], "lda_tomotopy": {"n_iterations": 20}},
        "bench": {"n_resamples": 200},
        "pretrain": {"datasets": []},
    }
    update_config(scenario, quick)
    update_config(scenario, {"grn": {"cistromes": {"promoter": binding}}})
    place = make_workplace(tmp_path / "work", data / "config.yaml", **scenario)
    run = place.must("bench")
    assert run.jobs["score_promoter_motifs"] == 1
    assert "pretrain_model" not in run.jobs
    results = place.folder / "results/simulated"
    odds = io.read_table(results / "grn/promoter_binding.parquet", "promoter_binding")
    assert set(odds.columns) == {"gene", *simulation.tfs}
    summary = io.read_table(results / "bench/grn_accuracy/summary.tsv", "summary")
    pooled = summary[summary["task"] == "all"].set_index(["metric", "arm"])
    for arm in (
        "binding",
        "binding_with_baseline",
        "binding_prior_with_linked_baseline",
    ):
        # TFs share targets, so that the wrong TF is above chance as well
        right, wrong = (
            pooled.loc[("auprc_ratio", name)] for name in (arm, f"{arm} (wrong TF)")
        )
        assert right["low"] > 2.5, pooled.to_string()
        assert wrong["estimate"] < right["estimate"] / 1.5, pooled.to_string()
        assert right["above_baseline_low"] > 0.5, pooled.to_string()
        assert pooled.loc[("auprc_ratio_over_wrong_tf", arm), "low"] > 0.5, (
            pooled.to_string()
        )
