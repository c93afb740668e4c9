"""Run one task in the interpreter at hand and say what it cost: ``python worker.py TASK.py FOLDER``.

Needs nothing but numpy, so that it runs in the environment of any reference tool. The task's function `prepare`
(reads, imports, compilation) is not measured; `run` is: CPU seconds of the process and its children, wall seconds,
and the highest resident memory during the call.
"""

import importlib.util
import json
import re
import resource
import sys
import time
from pathlib import Path

import numpy as np

# Tasks of arboreto, pySCENIC and pycisTopic call the programs that run these in the workflow.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "originals"))


def cpu_seconds():
    parts = (
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return sum(part.ru_utime + part.ru_stime for part in parts)


def resident(what):
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) / 1e3


def main():
    task, folder = Path(sys.argv[1]), Path(sys.argv[2])
    spec = importlib.util.spec_from_file_location("task", task)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with np.load(folder / "input.npz") as stored:
        arrays = dict(stored)
    options = json.loads((folder / "options.json").read_text())
    prepared = module.prepare(arrays, options)
    before = resident("VmRSS")
    # the highest resident memory counts anew
    Path("/proc/self/clear_refs").write_text("5")
    cpu, wall = cpu_seconds(), time.perf_counter()
    result = module.run(prepared, options)
    cost = {
        "cpu": cpu_seconds() - cpu,
        "wall": time.perf_counter() - wall,
        "memory": resident("VmHWM") - before,
    }
    np.savez(folder / "output.npz", **result)
    (folder / "cost.json").write_text(json.dumps(cost))


main()
