"""What Slurm and its users do to jobs, to Snakemake and to nodes; all that is the profile's business."""

import re
import signal

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def start(snakemake):
    """`start(folder, *arguments)`: Snakemake with the jobs of faulty.smk."""
    return lambda folder, *arguments: snakemake(
        folder, "--retries", "1", *arguments, snakefile="faulty.smk"
    )


def jobs_of(slurm, *options):
    """Rule -> number of its job."""
    lines = slurm.ask("squeue", "-h", "-o", "%k/%i", *options)
    return dict(line.removeprefix("rule_").split("/") for line in lines)


@pytest.fixture(scope="module")
def struck(start, slurm, waiting, tmp_path_factory):
    """A run of which every job is struck; it goes on while other tests run, for a minute is the shortest time limit."""
    folder = tmp_path_factory.mktemp("struck")
    run = start(folder, "faults")
    sleeping = [folder / f"{name}.tried" for name in ("cancelled", "replaced")]
    sleeping += [folder / "broken.tried", folder / "slow.tried"]
    waiting(lambda: run.ended or all(path.exists() for path in sleeping), 90)
    assert not run.ended, run.said
    numbers = jobs_of(slurm)

    slurm.ask("scancel", numbers["cancelled"])
    slurm.ask("srun", "-p", "urgent", "-w", "near1", "--mem=4500", "true")
    slurm.crash("near2")
    slurm.start_node("near2")
    waiting(lambda: f"Slurm does not start job {numbers['doomed']}" in run.said, 30)
    slurm.ask("scontrol", "release", numbers["doomed"])
    return folder, numbers, run


@pytest.mark.fault(
    "Ctrl-C, on Slurm",
    happens="Snakemake cancels its jobs and ends; nothing is locked",
    shown="`Terminating processes on user request`",
    then="the cancelled jobs",
)
def test_ctrl_c_cancels_the_jobs(struck, start, slurm, waiting, tmp_path):
    run = start(tmp_path, "second")
    waiting(lambda: (tmp_path / "ran").exists(), 60)
    waiting(lambda: "second" in (tmp_path / "ran").read_text(), 60)
    run.send(signal.SIGINT)
    run.fail()
    waiting(lambda: "second" not in jobs_of(slurm), 30)
    assert not (tmp_path / "second").exists()
    start(tmp_path, "second").end()
    assert (tmp_path / "ran").read_text().split() == ["first", "second", "second"]


@pytest.mark.fault(
    "`kill -9` of Snakemake, on Slurm",
    happens="its jobs run on; the folder stays locked",
    shown="`Directory cannot be locked`, at the next run",
    then="after `--unlock` what the jobs left over",
)
def test_a_killed_snakemake_leaves_its_jobs_and_a_lock(
    struck, start, slurm, waiting, tmp_path
):
    run = start(tmp_path, "second")
    waiting(lambda: (tmp_path / "first").exists(), 60)
    waiting(lambda: "second" in (tmp_path / "ran").read_text(), 60)
    run.send(signal.SIGKILL)
    run.process.wait()
    assert "second" in jobs_of(slurm)
    # two at once, too
    assert "Directory cannot be locked" in start(tmp_path, "second").fail()
    waiting(lambda: "second" not in jobs_of(slurm), 60)
    start(tmp_path, "second", "--unlock").end()
    # what the orphan made is whole, and known to be
    assert "Nothing to be done" in start(tmp_path, "second").end()
    assert (tmp_path / "ran").read_text().split() == ["first", "second"]


@pytest.mark.fault(
    "Slurm refuses jobs that are submitted as one",
    happens="the run goes on without them and fails",
    shown="`SLURM sbatch failed`, with what Slurm says",
    then="the same jobs",
)
def test_what_slurm_refuses_of_a_group_is_told_and_others_fit_a_node(
    struck, start, slurm, tmp_path
):
    said = start(tmp_path, "grouped", "both", "--retries", "0").fail()
    assert "SLURM sbatch failed. The error message was" in said
    # two jobs of 5,000 MB, one after the other
    (number,) = re.findall(r"jobid (\d+) \(log: .*/group_two_both_one_of_two/", said)
    asked = slurm.ask("scontrol", "show", "job", number)
    assert {"NumCPUs=1", "MinMemoryNode=5000M", "TimeLimit=00:05:00"} <= set(asked)
    assert (tmp_path / "both").exists()


def ending(rule, state, what, happens):
    """A job of faulty.smk and how it ends."""
    fault = pytest.mark.fault(
        what,
        happens=happens,
        shown=f"`Slurm ended job … ({state})`, and what to do",
        then="the job, where its retries were in vain",
    )
    return pytest.param(rule, state, marks=fault)


MORE = "it is submitted again, and asks for more"
AGAIN = "it is submitted again"


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ending(
            "greedy", "OUT_OF_MEMORY", "a job needs more memory than asked for", MORE
        ),
        ending("slow", "TIMEOUT", "a job runs longer than asked for", MORE),
        ending("cancelled", "CANCELLED", "somebody cancels a job (scancel)", AGAIN),
        ending("replaced", "PREEMPTED", "a job is preempted for good", AGAIN),
    ],
)
def test_the_end_of_a_job_is_named_and_it_is_tried_again(struck, rule, state):
    folder, _, run = struck
    said = run.end()
    ended = re.findall(rf"Slurm ended job (\d+) \({state}\)", said)
    assert len(ended) == 1
    assert re.search(rf"SLURM jobid {ended[0]} \(log: .*/rule_{rule}/", said)
    assert (folder / rule).exists()


def test_more_memory_is_asked_for_at_the_next_attempt(struck, slurm):
    _, _, run = struck
    run.end()
    numbers = re.findall(r"jobid (\d+) \(log: .*/rule_greedy/", run.said)
    asked = [
        word
        for number in numbers
        for word in slurm.ask("scontrol", "show", "job", number)
        if word.startswith("MinMemoryNode=")
    ]
    assert asked == ["MinMemoryNode=400M", "MinMemoryNode=800M"]


@pytest.mark.fault(
    "a node crashes",
    happens="Slurm starts its jobs again, on any node",
    shown="nothing: the job takes longer",
    then="nothing",
)
def test_slurm_starts_the_job_of_a_crashed_node_again(struck):
    folder, _, run = struck
    said = run.end()
    assert (folder / "broken").exists()
    assert len(re.findall("/rule_broken/", said)) == 1, "by Slurm, not by a retry"


@pytest.mark.fault(
    "Slurm cannot start a job (held, or a limit of yours)",
    happens="it waits",
    shown="`Slurm does not start job …`, why, and what to change",
    then="the same, until it may start",
)
def test_a_job_that_cannot_start_is_told_of(struck):
    folder, numbers, run = struck
    assert f"Slurm does not start job {numbers['doomed']} (" in run.end()
    assert (folder / "doomed").exists()


@pytest.mark.fault(
    "a job asks for more than any node of its partition has",
    happens="it is submitted with fewer CPUs, all memory of a node, the longest time",
    shown="job, need and node, where memory or time are less than needed",
    then="the job, where that did not do",
)
def test_a_job_asks_for_no_more_than_its_partition_has(struck, slurm):
    folder, _, run = struck
    said = run.end()
    (number,) = re.findall(r"jobid (\d+) \(log: .*/rule_huge/", said)
    asked = slurm.ask("scontrol", "show", "job", number)
    assert {"NumCPUs=4", "MinMemoryNode=8000M", "TimeLimit=00:02:00"} <= set(asked)
    assert "(huge) asks for 90000 MB of memory" in said
    assert "(huge) asks for 99 minutes; partition brief allows 2" in said
    assert (folder / "huge").exists()
