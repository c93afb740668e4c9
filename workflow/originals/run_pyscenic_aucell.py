"""AUCell of gene sets by pySCENIC, in blocks of cells (Aibar et al. 2017, doi 10.1038/nmeth.4463).

pySCENIC breaks ties by one random order of the genes, the same for all cells of a seed: blocks and processes do not
change the result.
"""

from multiprocessing import get_context

import original

BLOCK = 1_000  # cells made dense at a time
_shared = {}


def score_block(start):
    """Return the AUCs of a block of cells, cells x sets."""
    import pandas as pd
    from ctxcore.recovery import enrichment4cells
    from pyscenic.aucell import create_rankings

    rows = slice(start, start + BLOCK)
    cells = pd.Index(_shared["cells"][rows], name="Cell")
    expression = pd.DataFrame(
        _shared["counts"][rows].toarray(), index=cells, columns=_shared["genes"]
    )
    ranks = create_rankings(expression, _shared["seed"])
    parts = {}
    for signature in _shared["signatures"]:
        parts[signature.name] = enrichment4cells(
            ranks, signature, _shared["auc_threshold"]
        )["AUC"].to_numpy()
    return pd.DataFrame(parts, index=cells)


def score_cells(counts, cells, genes, gene_sets, auc_threshold, seed, threads):
    """Return the AUC of each set in each cell; `counts` is cells x genes, sparse, `gene_sets` name -> genes."""
    import pandas as pd
    from ctxcore.genesig import GeneSignature

    unknown = set().union(*gene_sets.values()) - set(genes)
    if unknown:
        raise original.WrongInputError(
            f"{len(unknown)} genes of the eRegulons are not in the data, first {min(unknown)!r}",
            "eRegulons of the same data",
            "infer the eRegulons again from this multiome.h5mu",
        )
    signatures = [
        GeneSignature(name, sorted(members)) for name, members in gene_sets.items()
    ]
    _shared.update(
        counts=counts,
        cells=cells,
        genes=genes,
        signatures=signatures,
        auc_threshold=auc_threshold,
        seed=seed,
    )
    starts = range(0, counts.shape[0], BLOCK)
    if threads == 1:
        return pd.concat([score_block(start) for start in starts])
    with get_context("fork").Pool(threads) as pool:
        return pd.concat(pool.map(score_block, starts, chunksize=1))


def main():
    arguments = original.read_arguments(
        "multiome", "eregulons", "settings", "seed", "threads", "log", "output"
    )
    with original.job(arguments.log):
        import pandas as pd

        table = pd.read_parquet(arguments.eregulons, columns=["eregulon", "gene"])
        gene_sets = {
            name: set(members)
            for name, members in table.groupby("eregulon", sort=True)["gene"]
        }
        counts, cells, genes = original.read_modality(arguments.multiome, "rna")
        threshold = arguments.settings["auc_threshold"]
        auc = score_cells(
            counts,
            cells,
            genes,
            gene_sets,
            threshold,
            arguments.seed,
            arguments.threads,
        )
        original.write_parquet(auc.rename_axis("cell").reset_index(), arguments.output)


if __name__ == "__main__":
    main()
