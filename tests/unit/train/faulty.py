"""``faulty.py (<fault> <step> <job.json>)...``: a process of runs, one after the other; process 1 has faults.

After a step of a run: a signal, to it or (starter_<signal>) to what started it; or (nan) a loss that is no number.
"""

import json
import math
import os
import signal
import sys
from pathlib import Path

from grnformer.train.loss import MaskedValueLoss
from grnformer.train.progress import Progress
from grnformer.train.run import run

advance, forward = Progress.advance, MaskedValueLoss.forward
now = {"fault": "none", "step": 0, "done": 0}  # of the run in hand


def advance_and_signal(self, done, loss, tokens):
    advance(self, done, loss, tokens)
    now["done"] += 1
    if done == now["step"] and now["fault"] not in ("none", "nan"):
        starter, _, name = now["fault"].rpartition("_")
        os.kill(os.getppid() if starter else os.getpid(), signal.Signals[name])


def forward_no_number(self, part):
    from_gene, *others = forward(self, part)
    wrong = now["fault"] == "nan" and now["done"] == now["step"]
    return from_gene * (math.nan if wrong else 1), *others


if os.environ["RANK"] == "1":
    Progress.advance, MaskedValueLoss.forward = advance_and_signal, forward_no_number
words = iter(sys.argv[1:])
for fault, step, path in zip(words, words, words, strict=True):
    now.update(fault=fault, step=int(step), done=0)
    run(json.loads(Path(path).read_text()))
