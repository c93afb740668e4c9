"""What every program here does around its work: arguments, log, errors that serve the user, reading expression.

The programs run in the environments of the original tools. They import those, numpy, pandas and this file, and
nothing of grnformer; they read and write the workflow's own files.
"""

import argparse
import json
import os
import sys
import traceback
import uuid
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

for _variable in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
):
    os.environ[_variable] = "1"  # the programs share their work out to processes


class WrongInputError(Exception):
    """Wrong input from the user's side: what was found, what was expected, how to mend it."""

    def __init__(self, found, expected, remedy):
        super().__init__(f"Found: {found}\nExpected: {expected}\nTo mend it: {remedy}")


def read_arguments(*names):
    """Return the arguments ``--<name> <value>``, all needed.

    seed and threads are whole numbers, settings JSON, rankings one or more paths, all others text.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in names:
        kind = {"seed": int, "threads": int, "settings": json.loads}.get(name, str)
        several = "+" if name == "rankings" else None
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            dest=name,
            type=kind,
            nargs=several,
            required=True,
        )
    return parser.parse_args()


@contextmanager
def job(log):
    """Run the body with its output in the log; wrong input ends it with one message, on the terminal too."""
    terminal, path = sys.stderr, Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("w", encoding="utf-8", buffering=1) as handle,
        redirect_stdout(handle),
        redirect_stderr(handle),
    ):
        try:
            yield
        except WrongInputError as error:
            message = f"{Path(sys.argv[0]).stem} stopped: wrong input.\n{error}\n"
            handle.write(message)
            terminal.write(f"\n{message}\n")
            sys.exit(1)
        except BaseException:
            handle.write(traceback.format_exc())
            raise


def say(text):
    """Write a line into the log."""
    sys.stdout.write(f"{text}\n")


def write_parquet(frame, path):
    """Write a table whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        frame.to_parquet(temporary, index=False, compression="zstd")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_modality(path, modality):
    """Return one modality of an .h5mu: its matrix (cells x features, CSR), cells and features.

    By h5py, since versions of anndata do not read each other's files.
    """
    import h5py
    import scipy.sparse as sp

    with h5py.File(path, "r") as handle:
        group = handle["mod"][modality]
        matrix = group["X"]
        layout = {"csr_matrix": sp.csr_matrix, "csc_matrix": sp.csc_matrix}[
            matrix.attrs["encoding-type"]
        ]
        parts = tuple(matrix[name][()] for name in ("data", "indices", "indptr"))
        counts = layout(parts, shape=tuple(matrix.attrs["shape"])).tocsr()
        return counts, _names(group["obs"]), _names(group["var"])


def _names(frame):
    index = frame[frame.attrs["_index"]]
    values = index["values"] if hasattr(index, "keys") else index
    return [
        name.decode() if isinstance(name, bytes) else str(name) for name in values[()]
    ]
