"""Co-expression modules and their enriched motifs by pySCENIC, with its own functions and no Dask.

Van de Sande et al. 2020, doi 10.1038/s41596-020-0336-2. Writes what `pyscenic ctx` finds, one row a module and a
motif that is annotated for the module's TF.
"""

from functools import partial
from multiprocessing import get_context
from pathlib import Path

import original

CHUNK = 20  # modules handed to a process at a time
DIRECT = "gene is directly annotated"
SNAPSHOT = [
    "#motif_id",
    "gene_name",
    "motif_similarity_qvalue",
    "orthologous_identity",
    "description",
]
_shared = {}


def read_annotations(path, settings):
    """Return the motif-to-TF table as pySCENIC reads it."""
    import pandas as pd
    from pyscenic.utils import load_motif_annotations

    columns = list(pd.read_csv(path, sep="\t", nrows=0))
    if not set(SNAPSHOT) <= set(columns):
        raise original.WrongInputError(
            f"{path} has the columns {columns[:12]}",
            f"cisTarget's motif-to-TF snapshot, with {SNAPSHOT}: pySCENIC reads no other",
            "name such a table in grn.cistromes.motifs_to_tfs, or take the method cistarget_genes",
        )
    fdr, identity = settings["motif_similarity_fdr"], settings["orthologous_identity"]
    return load_motif_annotations(
        path, motif_similarity_fdr=fdr, orthologous_identity_threshold=identity
    )


def make_modules(counts, genes, tf_gene, settings):
    """Return pySCENIC's modules from a TF-gene table; `counts` is cells x genes, sparse."""
    import pandas as pd
    from pyscenic.utils import modules_from_adjacencies

    adjacencies = tf_gene.rename(columns={"tf": "TF", "gene": "target"})[
        ["TF", "target", "importance"]
    ]
    used = set(adjacencies["TF"]) | set(adjacencies["target"])
    columns = [column for column, gene in enumerate(genes) if gene in used]
    expression = pd.DataFrame(
        counts[:, columns].toarray(), columns=[genes[column] for column in columns]
    )
    modules = modules_from_adjacencies(
        adjacencies,
        expression,
        thresholds=settings["percentiles"],
        top_n_targets=settings["top_targets"],
        top_n_regulators=settings["top_regulators"],
        min_genes=settings["min_genes"],
        rho_threshold=settings["min_abs_rho"],
        keep_only_activating=not settings["repressing"],
    )
    if not modules:
        raise original.WrongInputError(
            f"no module of {settings['min_genes']} genes in {len(adjacencies)} TF-gene pairs",
            "modules of co-expressed genes",
            "lower grn.cistromes.cistarget_genes.min_genes or .min_abs_rho",
        )
    return modules


def enrich(task):
    """Return the enriched motifs of some modules in one database."""
    import pandas as pd
    from pyscenic.transform import module2df

    database, modules = task
    source = _shared["databases"][database]
    parts = []
    for module in modules:
        found = module2df(
            source,
            module,
            _shared["annotations"],
            module2features_func=_shared["search"],
        )
        if not len(found):
            continue
        found = found["Enrichment"].reset_index()
        context = set(module.context)
        parts.append(
            pd.DataFrame(
                {
                    "tf": found["TF"],
                    "sign": -1 if "repressing" in context else 1,
                    "module": "".join(context - {"activating", "repressing"}),
                    "database": database,
                    "motif": found["MotifID"],
                    "auc": found["AUC"].astype(float),
                    "nes": found["NES"].astype(float),
                    "rank_at_max": found["RankAtMax"].astype(int),
                    "genes": [
                        [gene for gene, _ in edge] for edge in found["TargetGenes"]
                    ],
                    "annotation": [
                        "direct" if text == DIRECT else "extended"
                        for text in found["Annotation"]
                    ],
                }
            )
        )
    return parts


def find_motifs(modules, rankings, annotations, settings, threads):
    """Return the enriched and annotated motifs of all modules in all databases."""
    import pandas as pd
    from ctxcore.rnkdb import MemoryDecorator, opendb
    from pyscenic.transform import module2features_auc1st_impl

    thresholds = {
        name: settings[name]
        for name in ("rank_threshold", "auc_threshold", "nes_threshold")
    }
    databases = {
        Path(path).stem: MemoryDecorator(opendb(path, Path(path).stem))
        for path in rankings
    }
    search = partial(
        module2features_auc1st_impl, filter_for_annotation=True, **thresholds
    )
    _shared.update(databases=databases, annotations=annotations, search=search)
    chunks = [modules[start : start + CHUNK] for start in range(0, len(modules), CHUNK)]
    tasks = [(name, chunk) for name in databases for chunk in chunks]
    original.say(f"{len(modules)} modules, {len(databases)} databases")
    if threads == 1:
        results = [enrich(task) for task in tasks]
    else:
        with get_context("fork").Pool(threads) as pool:
            results = pool.map(enrich, tasks, chunksize=1)
    parts = [part for result in results for part in result]
    if not parts:
        raise original.WrongInputError(
            f"none of {len(modules)} modules has an enriched motif that is annotated for its TF",
            "modules whose genes share a motif of the TF",
            "lower grn.cistromes.cistarget_genes.nes_threshold, or use a database and table of this species' genes",
        )
    return pd.concat(parts, ignore_index=True)


def main():
    arguments = original.read_arguments(
        "multiome",
        "tf_gene",
        "rankings",
        "motifs_to_tfs",
        "settings",
        "threads",
        "log",
        "output",
    )
    with original.job(arguments.log):
        import pandas as pd

        settings = arguments.settings
        annotations = read_annotations(arguments.motifs_to_tfs, settings)
        counts, _, genes = original.read_modality(arguments.multiome, "rna")
        modules = make_modules(
            counts, genes, pd.read_parquet(arguments.tf_gene), settings
        )
        found = find_motifs(
            modules, arguments.rankings, annotations, settings, arguments.threads
        )
        original.write_parquet(found, arguments.output)


if __name__ == "__main__":
    main()
