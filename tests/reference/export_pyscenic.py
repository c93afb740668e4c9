"""What pySCENIC reads of an export: ``python export_pyscenic.py FOLDER FOUND.json``."""

import json
import sys
from pathlib import Path

from ctxcore.genesig import GeneSignature
from pyscenic.cli.utils import load_exp_matrix

folder = Path(sys.argv[1])
matrix = load_exp_matrix(str(folder / "scope/lines.loom"))
sets = GeneSignature.from_gmt(str(folder / "gmt/overall.gmt"), "\t", "\t")
found = {
    "cells": list(matrix.index),
    "sums": matrix.sum().to_dict(),
    "sets": {one.name: sorted(one.genes) for one in sets},
}
Path(sys.argv[2]).write_text(json.dumps(found, default=float))
