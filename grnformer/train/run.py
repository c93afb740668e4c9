"""A pretraining run from files to files: in this process, or in several started by torchrun or srun."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from grnformer.core import io, record
from grnformer.data.corpus import Corpus
from grnformer.graph.bundle import read_bundle
from grnformer.graph.vocabulary import read_medians
from grnformer.model.saved import save_model
from grnformer.train.preemption import Preempted, preemption_notice, take_mark
from grnformer.train.pretrain import pretrain
from grnformer.train.processes import EXPECTED, GPUS, check_gpus, find_meeting_point

logger = logging.getLogger(__name__)
# seconds that processes have to save after a signal, or to end after another one's death
GRACE = 120


def start_run(
    job: dict[str, Any], *, processes: int, nodes: int, gpus: int = 0
) -> None:
    """Do `job` with so many processes on each of so many machines.

    Parameters
    ----------
    job
        See `run`. It is written to job.json among the checkpoints, so that ``python -m grnformer.train job.json`` under
        any other starter does the same.
    processes, nodes
        1 and 1: in this process. One machine: by torchrun. Several: by srun, inside the allocation that this runs in.
    gpus
        Each machine must have so many; 0: a GPU is used where there is one.

    Raises
    ------
    InputError
        If a GPU was asked for that is not there.
    Preempted
        If a signal stopped the processes, to whichever of them or to this one it came; a checkpoint was saved.
    subprocess.CalledProcessError
        If the processes fail.
    """
    check_gpus(gpus)
    path = Path(job["checkpoints"]) / "job.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    # for processes apart
    job = job | {"record": record.current()}
    io.write_json(job, path, "pretrain_job")
    if processes * nodes == 1:
        run(job)
        return
    command = start_command(path, processes, nodes)
    logger.info("%s", " ".join(command))
    # one of an earlier run would be taken for this one's
    take_mark(path.parent)

    # torchrun would give each process one thread
    environment = os.environ | {
        "OMP_NUM_THREADS": str(job["threads"]),
        EXPECTED: str(processes * nodes),
        GPUS: str(gpus),
    }
    if nodes > 1:
        environment |= find_meeting_point(os.environ)

    with preemption_notice() as notice:
        started = subprocess.Popen(
            command, stdout=sys.stderr, stderr=sys.stderr, env=environment
        )
        # one that came before the processes were there goes to them now
        notice.hand_on(started.send_signal)
        code = started.wait()

    stopped = take_mark(path.parent)
    if code and stopped:
        raise Preempted(stopped)
    if code:
        raise subprocess.CalledProcessError(code, command)


def start_command(job: Path, processes: int, nodes: int) -> list[str]:
    """Command line that does the job in `job` with so many processes on each of so many machines."""
    program = ["-m", "grnformer.train", str(job)]
    if nodes > 1:
        # all said: nothing of it is to come from variables of a step that this may run in
        spread = [
            f"--nodes={nodes}",
            f"--ntasks={nodes * processes}",
            f"--ntasks-per-node={processes}",
        ]
        spread += ["--cpu-bind=none"]
        # the death of one ends all, which would wait for it
        ended = ["--kill-on-bad-exit=1", f"--wait={GRACE}"]
        return ["srun", "--overlap", *spread, *ended, sys.executable, *program]
    started = [
        "--standalone",
        f"--nproc-per-node={processes}",
        f"--shutdown-timeout={GRACE}",
    ]
    # handed on; SIGUSR1 would end it
    started += ["--signals-to-handle=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"]
    return [sys.executable, "-m", "torch.distributed.run", *started, *program]


def run(job: dict[str, Any]) -> None:
    """Read the inputs, pretrain, and (in the first process) write the outputs.

    `job`: multiome (of a corpus: dataset -> cells), split, bundle, checkpoint, medians, vocabulary (paths, or null);
    arm, settings, seed, threads; checkpoints (folder); outputs (weights, card, training, heldout, reference); record
    (`grnformer.core.record`, or null).
    """
    with record.carried(job.get("record")):
        _run(job)


def _run(job: dict[str, Any]) -> None:
    bundle = read_bundle(job["bundle"])
    genes = bundle.graph.genes
    split = io.read_table(job["split"], "split")
    medians = read_medians(job["medians"], job["vocabulary"], genes)

    cells = job["multiome"]
    if isinstance(cells, dict):
        corpus = Corpus.of_bundle(cells, bundle)
    else:
        corpus = Corpus.of_dataset(cells, genes["gene"].tolist())

    with corpus:
        trained = pretrain(
            corpus,
            split,
            bundle,
            job["arm"],
            job["settings"],
            model_seed=job["seed"],
            checkpoints=job["checkpoints"],
            threads=job["threads"],
            checkpoint=job["checkpoint"],
            medians=medians,
        )

    if trained is None:
        return
    output = job["outputs"]
    save_model(trained.model, trained.card, output["weights"], output["card"])
    io.write_table(trained.curve, output["training"], "training")
    io.write_json(trained.heldout, output["heldout"], "heldout")
    io.write_table(trained.reference, output["reference"], "reference_embedding")
