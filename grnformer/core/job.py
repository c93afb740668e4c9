"""What every workflow script does around its work: log, threads, and errors that serve the user."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from grnformer.core import costs, io, record
from grnformer.core.errors import InputError, WriteFault

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


@contextmanager
def job(snakemake: Any) -> Iterator[logging.Logger]:
    """Run the body of a script: output goes to the rule's log, libraries use at most the rule's threads.

    Import heavy libraries inside the body: their thread pools are sized from the environment on import.
    What it writes carries the job's record, which lies beside the log, too, with what the job took.
    Inputs that do not go together end it.
    Warnings of this package are written to the terminal, too. An InputError ends the job with only its message, on the
    terminal and in the log; any other exception keeps its traceback.
    """
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, str(snakemake.threads)))

    # Kept, since standard error is the log from here on.
    terminal = sys.stderr
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)

    # Line-buffered: a job that is killed leaves what it logged so far.
    with (
        path.open("w", encoding="utf-8", buffering=1) as log,
        redirect_stdout(log),
        redirect_stderr(log),
    ):
        handler = logging.StreamHandler(log)
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        )
        # Warnings are shown to who runs the workflow, too: they say what may be wrong with the input.
        shown = logging.StreamHandler(terminal)
        shown.setLevel(logging.WARNING)
        shown.setFormatter(logging.Formatter(f"{snakemake.rule} warns: %(message)s"))

        logger = logging.getLogger("grnformer")
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        logger.addHandler(shown)

        try:
            made = record.start(snakemake)
            yield logger
            io.write_json(made, path.with_suffix(record.BESIDE))
            io.write_json(costs.read_own_cost(), path.with_suffix(costs.BESIDE))
        except InputError as error:
            reason = (
                "nothing can be written"
                if isinstance(error, WriteFault)
                else "wrong input"
            )
            message = f"{snakemake.rule} stopped: {reason}.\n{error}\n"
            terminal.write(f"\n{message}\n")
            terminal.flush()
            # where the disk is full, there may be no room for the log either
            with suppress(OSError):
                log.write(message)
            if isinstance(error, WriteFault):
                # HDF5 that could not write ends in a fault of memory at the exit: left out
                atexit.register(os._exit, 1)
            sys.exit(1)
        except BaseException:
            # Of an interrupt, too: the log says what ended the job.
            log.write(traceback.format_exc())
            raise
        finally:
            # Scripts that share a process (tests) would otherwise write into a closed log, or carry the former record.
            record.use(None)
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            logger.removeHandler(handler)
            logger.removeHandler(shown)
