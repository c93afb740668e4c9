"""What decoupler, loompy and pyBigWig read of an export: ``python export_readers.py FOLDER FOUND.json``."""

import json
import sys
from pathlib import Path

import anndata
import decoupler
import loompy
import numpy as np
import pandas as pd
import pyBigWig

folder = Path(sys.argv[1])
found = {}

with loompy.connect(folder / "scope/lines.loom", "r", validate=False) as loom:
    counts = pd.DataFrame(loom[:, :].T, index=loom.ca.CellID, columns=loom.ra.Gene)
    found["total"] = float(counts.to_numpy().sum())
    found["regulons"] = list(loom.ra.Regulons.dtype.names)
    found["auc"] = [list(row) for row in loom.ca.RegulonsAUC.tolist()]
    found["meta"] = json.loads(loom.attrs.MetaData)

network = pd.read_csv(folder / "decoupler/overall.tsv", sep="\t")
cells = anndata.AnnData(np.log1p(counts))
decoupler.mt.ulm(cells, net=network, tmin=1)
found["ulm"] = cells.obsm["score_ulm"].to_dict("list")
sets = decoupler.pp.read_gmt(folder / "gmt/overall.gmt")
found["sets"] = sets.groupby("source")["target"].agg(sorted).to_dict()

for path in sorted(folder.glob("bigwig/*.bw")):
    with pyBigWig.open(str(path)) as track:
        found[path.name] = {
            chrom: np.nan_to_num(track.values(chrom, 0, length)).tolist()
            for chrom, length in track.chroms().items()
        }
# a network as decoupler has it, written by its user
_, toy = decoupler.ds.toy()
toy.to_csv(folder / "toy.csv", index=False)
found["toy"] = toy.to_numpy().tolist()
Path(sys.argv[2]).write_text(json.dumps(found))
