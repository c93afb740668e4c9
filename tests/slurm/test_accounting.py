"""With accounting Slurm tells by sacct how jobs ended, and Snakemake asks it."""

import re

import pytest

pytestmark = pytest.mark.slow
ENDED = {"greedy": "OUT_OF_MEMORY", "slow": "TIMEOUT", "cancelled": "CANCELLED"}


@pytest.fixture(scope="module")
def told(on_accounted, accounted, waiting, tmp_path_factory):
    """Folder of a run of which every job is struck, and what its terminal showed."""
    folder = tmp_path_factory.mktemp("told")
    options = ["--retries", "1", *ENDED]
    run = on_accounted(folder, *options, snakefile="faulty.smk")
    waiting(lambda: run.ended or (folder / "cancelled.tried").exists(), 90)
    jobs = accounted.ask("squeue", "-h", "-o", "%k/%i")
    numbers = dict(job.removeprefix("rule_").split("/") for job in jobs)
    accounted.ask("scancel", numbers["cancelled"])
    return folder, run.end()


def test_states_are_asked_of_sacct(told):
    assert "status command is not 'sacct'" not in told[1]
    assert told[1].count("SLURM status is") == len(ENDED)


@pytest.mark.parametrize(("rule", "state"), ENDED.items())
def test_each_end_is_named_once_and_the_job_tried_again(told, accounted, rule, state):
    folder, said = told
    (ended,) = re.findall(rf"Slurm ended job (\d+) \({state}\)", said)
    assert re.search(rf"SLURM jobid {ended} \(log: .*/rule_{rule}/", said)
    assert (folder / rule).exists()
    recorded = accounted.ask("sacct", "-n", "-X", "-P", "-o", "State", "-j", ended)
    # a job killed for its memory by the linux plugin has failed; cgroups say OUT_OF_MEMORY
    assert recorded[0] in {state, "FAILED" if rule == "greedy" else state}
