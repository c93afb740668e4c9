"""Our cell graphs: rows of activity over shared edges; messages by one pass over the open edges of all cells."""

import numpy as np
import pandas as pd
import torch

from grnformer.data.activity import StoredActivity
from grnformer.graph.bundle import Graph
from grnformer.graph.structure import EdgeList, scale_graph


def prepare(arrays, options):
    names = np.array([f"cell_{i}" for i in range(arrays["active_cell"].max() + 1)], object)
    activity = pd.DataFrame({"cell": names[arrays["active_cell"]], "eregulon": arrays["active_eregulon"]})
    n_eregulons = int(arrays["eregulon"].max()) + 1
    graph = Graph(
        pd.DataFrame({"node": range(arrays["features"].shape[0])}), pd.DataFrame(), pd.DataFrame(), activity,
        [str(k) for k in range(n_eregulons)], pd.DataFrame(), pd.DataFrame(), 0,
    )  # fmt: skip
    edges = EdgeList(arrays["tf"], arrays["gene"], arrays["weight"], arrays["eregulon"])
    batch = {
        "stored": StoredActivity(graph), "cells": names[arrays["cells"]], "edges": edges,
        "tokens": torch.from_numpy(arrays["tokens"]), "features": torch.from_numpy(arrays["features"]),
        "columns": np.arange(len(arrays["cells"])),
    }  # fmt: skip
    torch.set_num_threads(1)
    once(batch, "messages")
    return batch


def once(batch, what):
    active = batch["stored"].rows(batch["cells"])
    if what == "graphs":
        return {"active": active}
    scale = scale_graph([(batch["columns"], batch["edges"])])
    messages = scale.gather(batch["features"][scale.sources], torch.from_numpy(active.T), batch["tokens"])
    return {"messages": messages.numpy()}


def run(batch, options):
    for _ in range(options["repeats"]):
        result = once(batch, options["what"])
    return result
