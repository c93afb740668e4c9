"""``faulty.py <fault> <step> <job.json>``: a process of a run to which something happens, in process 1 after a step."""

import json
import math
import os
import signal
import sys
from pathlib import Path

from grnformer.train.progress import Progress
from grnformer.train.run import run
from grnformer.train.task import MaskedValueLoss

fault, step, path = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
advance, forward, done_steps = Progress.advance, MaskedValueLoss.forward, []


def advance_and_signal(self, done, loss, tokens):
    advance(self, done, loss, tokens)
    done_steps.append(done)
    if done == step and fault != "nan":
        target = os.getppid() if fault.startswith("starter") else os.getpid()
        os.kill(target, signal.Signals[fault.removeprefix("starter_")])


def forward_no_number(self, part):
    from_gene, from_cell = forward(self, part)
    return from_gene * (math.nan if len(done_steps) == step else 1), from_cell


if os.environ["RANK"] == "1":
    Progress.advance = advance_and_signal
    if fault == "nan":
        MaskedValueLoss.forward = forward_no_number
run(json.loads(path.read_text()))
