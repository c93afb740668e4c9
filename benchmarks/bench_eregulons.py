"""eRegulons of simulated networks by different settings, against what was planted: which order of links, which rules.

Five simulated multiomes; expression, accessibility and the prior (recall .8, precision .6) as in the end-to-end tests.
No real data and no ChIP-seq is looked at. Reference: the default with the same accessibility.
"""

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.metrics import average_precision_score
from table import Table, say

from grnformer.settings.read import complete

SEEDS = (1, 2, 3, 4, 5)
ORDERS = ("importance", "rho", "importance_x_rho")
RULES = {
    "BASC beside quantiles and tops": {"basc": True},
    "signs binarised apart": {"binarise_each_sign": True},
    "enough targets in each binarisation": {"min_targets_each": True},
    "all three, as SCENIC+": {
        "basc": True,
        "binarise_each_sign": True,
        "min_targets_each": True,
    },
}


def main() -> None:
    """Run all seeds, write benchmarks/results/eregulons.tsv."""
    config = complete({})
    found = pd.concat([of_seed(seed, config) for seed in SEEDS])
    mean = found.groupby(["accessibility", "what", "way"])["score"].mean()
    table = Table("eregulons")
    for (accessibility, what, way), score in mean.items():
        if way == "importance":
            continue
        label = f"{accessibility}: {what}, {way} against importance alone"
        table.add_score(
            label, "mean of 5 seeds", score, mean[accessibility, what, "importance"]
        )
    table.write()
    say(
        found.pivot_table(
            index=["accessibility", "what", "way"], columns="seed", values="score"
        )
        .round(3)
        .to_string()
    )


def of_seed(seed: int, config: dict) -> pd.DataFrame:
    """Scores of one simulation: accessibility, what, way, score, seed."""
    from grnformer.grn.cistromes.build import build_cistromes
    from grnformer.grn.eregulons.build import build_eregulons
    from grnformer.grn.region_gene.link import link_regions
    from grnformer.grn.region_gene.signal import Data
    from grnformer.grn.tf_gene.network import infer_network
    from grnformer.simulate.multiome import simulate_multiome
    from grnformer.topics.lda_tomotopy import fit_lda

    made = simulate_multiome(seed=seed, n_cells=240, repression_fraction=0.35)
    rna, grn = made.rna, config["grn"]
    counts = sp.csr_matrix(rna.X, dtype=np.float32)
    scaled = sp.csr_matrix(
        sp.diags(1e4 / np.asarray(counts.sum(axis=1)).ravel()) @ counts,
        dtype=np.float32,
    ).log1p()
    rna.X, rna.layers["counts"], rna.var["n_cells"] = (
        scaled,
        counts,
        counts.getnnz(axis=0),
    )
    opened = sp.csr_matrix(made.atac.X.sign(), dtype=np.float32)
    model = fit_lda(opened, 6, seed=seed, **config["topics"]["lda_tomotopy"])
    data = Data(
        scaled,
        counts,
        opened,
        np.asarray(model.cell_topic),
        np.asarray(model.region_topic),
    )
    method = grn["tf_gene"]["method"]
    network = infer_network(
        rna,
        list(made.tfs),
        method=method,
        min_cells=10,
        options=grn["tf_gene"][method],
        part="1-of-1",
        seed=seed,
        threads=1,
    )
    true_links = set(zip(made.edges["region"], made.edges["gene"], strict=True))
    true_pairs = set(zip(made.edges["tf"], made.edges["gene"], strict=True))
    rows = []
    for accessibility in ("binary", "topics"):
        settings = {**grn["region_gene"], "accessibility": accessibility, "seed": seed}
        links = link_regions(
            data,
            list(rna.var_names),
            made.regions.drop(columns=["gene", "promoter"]),
            made.tss,
            **settings,
        )
        hits = np.array(
            [
                pair in true_links
                for pair in zip(links["region"], links["gene"], strict=True)
            ]
        )
        sizes = (
            links["importance"],
            links["rho"].abs(),
            links["importance"] * links["rho"].abs(),
        )
        for order, score in zip(ORDERS, sizes, strict=True):
            rows.append(
                (
                    accessibility,
                    "average precision of links",
                    order,
                    average_precision_score(hits, score),
                )
            )
        cistromes = build_cistromes(
            links, list(made.tfs), made.prior, pd.DataFrame({"kind": [], "region": []}), method="prior",
            min_abs_rho=grn["cistromes"]["min_abs_rho"], region_set_kinds=[], settings={"chip_sources": []},
        )  # fmt: skip
        default = {
            **grn["eregulons"],
            "sign_from_evidence": False,
            "keep_known_targets": False,
            "min_targets": 3,
        }
        default["order_links_by"] = "importance"
        ways = {order: {"order_links_by": order} for order in ORDERS} | RULES
        for way, change in ways.items():
            found, _ = build_eregulons(
                network, links, cistromes, list(made.tfs), **default | change
            )
            pairs = set(zip(found["tf"], found["gene"], strict=True))
            triplets = found.drop_duplicates(["region", "gene"])
            right = sum(
                pair in true_links
                for pair in zip(triplets["region"], triplets["gene"], strict=True)
            )
            true = len(pairs & true_pairs)
            precision, recall = true / max(len(pairs), 1), true / len(true_pairs)
            rows += [
                (accessibility, "precision of TF-gene pairs", way, precision),
                (accessibility, "recall of TF-gene pairs", way, recall),
                (
                    accessibility,
                    "precision of regions",
                    way,
                    right / max(len(triplets), 1),
                ),
            ]
    return pd.DataFrame(rows, columns=["accessibility", "what", "way", "score"]).assign(
        seed=seed
    )


if __name__ == "__main__":
    main()
