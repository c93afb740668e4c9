"""``python -m grnformer.train job.json``, under torchrun, srun or by itself: one process of a pretraining run."""

import json
import logging
import os
import sys
from pathlib import Path

from grnformer.core.errors import InputError


def main(arguments: list[str]) -> None:
    """Do the job in the file that the only argument names."""
    if len(arguments) != 1:
        raise InputError(
            f"{len(arguments)} arguments",
            "one: the job.json of a run",
            "python -m grnformer.train <checkpoint>/job.json",
        )

    # torchrun and srun number processes by variables of their own
    first = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("grnformer").setLevel(logging.INFO if first else logging.WARNING)
    job = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))

    # Imported last: it loads torch, which a wrong call need not wait for.
    from grnformer.train.run import run

    run(job)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        # in one piece: processes write to one log
        sys.stderr.write(f"\n{error}\n")
        sys.exit(1)
