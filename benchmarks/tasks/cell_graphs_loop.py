"""Cell graphs by a Python loop over cells: each graph put together edge by edge, or by operations on whole arrays."""

import numpy as np
import torch


def prepare(arrays, options):
    torch.set_num_threads(1)
    n_cells, n_eregulons = arrays["active_cell"].max() + 1, arrays["eregulon"].max() + 1
    of_cell = [np.zeros(0, int)] * n_cells
    order = np.argsort(arrays["active_cell"], kind="stable")
    cells, first = np.unique(arrays["active_cell"][order], return_index=True)
    for cell, numbers in zip(cells, np.split(arrays["active_eregulon"][order], first[1:]), strict=True):
        of_cell[cell] = numbers
    members = [[] for _ in range(n_eregulons)]
    triplets = zip(*(arrays[k].tolist() for k in ("eregulon", "tf", "gene", "weight")), strict=True)
    for edge, (number, tf, gene, weight) in enumerate(triplets):
        members[number].append((edge, tf, gene, weight))
    features = torch.from_numpy(arrays["features"]).transpose(0, 1).contiguous()  # a cell's features lie together
    return {**arrays, "of_cell": of_cell, "members": members, "features": features, "n_eregulons": n_eregulons}


def graph_by_edges(data, cell):
    """Numbers of the edges of one cell, with TF, gene and weight."""
    return [edge for number in data["of_cell"][cell].tolist() for edge in data["members"][number]]


def graph_by_arrays(data, cell):
    """The same, as four arrays."""
    active = np.zeros(data["n_eregulons"], bool)
    active[data["of_cell"][cell]] = True
    edge = np.flatnonzero(active[data["eregulon"]])
    return edge, data["tf"][edge], data["gene"][edge], data["weight"][edge]


def messages_by_edges(data, column, edges):
    """Signed mean over the edges into each token of one cell."""
    x, tokens = data["features"][column], data["tokens"][column].tolist()
    place = {gene: token for token, gene in enumerate(tokens)}
    total, norm = torch.zeros(len(tokens), x.shape[1]), [0.0] * len(tokens)
    for _, tf, gene, weight in edges:
        token = place.get(gene)
        if token is not None:
            total[token] += weight * x[tf]
            norm[token] += abs(weight)
    return total / torch.tensor(norm).clamp(min=1e-12)[:, None]


def messages_by_arrays(data, column, edges):
    """The same, by torch's operations."""
    x, tokens = data["features"][column], data["tokens"][column]
    place = np.full(len(x), -1)
    place[tokens] = np.arange(len(tokens))
    _, tf, gene, weight = edges
    inside = np.flatnonzero(place[gene] >= 0)
    at, by = torch.from_numpy(place[gene[inside]]), torch.from_numpy(weight[inside])
    total = torch.zeros(len(tokens), x.shape[1]).index_add(0, at, x[torch.from_numpy(tf[inside])] * by[:, None])
    norm = torch.zeros(len(tokens)).index_add(0, at, by.abs())
    return total / norm.clamp(min=1e-12)[:, None]


WAYS = {"edge by edge": (graph_by_edges, messages_by_edges), "arrays": (graph_by_arrays, messages_by_arrays)}


def run(data, options):
    write_out, send = WAYS[options["how"]]
    for _ in range(options["repeats"]):
        graphs, messages = [], []
        for column, cell in enumerate(data["cells"].tolist()):
            graphs.append(write_out(data, cell))
            if options["what"] == "messages":
                messages.append(send(data, column, graphs[-1]))
    if messages:
        return {"messages": torch.stack(messages).numpy()}
    edges = [[e[0] for e in g] if options["how"] == "edge by edge" else g[0] for g in graphs]
    return {"cell": np.repeat(np.arange(len(edges)), [len(e) for e in edges]), "edge": np.concatenate(edges)}
