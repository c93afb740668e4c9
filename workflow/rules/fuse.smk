# fuse: networks and cell activities on the genes of the backbone's vocabulary; one bundle a graph mode.

from grnformer.core.methods import names
from grnformer.workflow.arms import bundle_name, has_knowledge, other_backbones
from grnformer.workflow.corpora import rna_file

OF_BACKBONE = config["fuse"]["backbones"]
OWN = OF_BACKBONE[config["pretrain"]["backbone"]]
VOCABULARY = path_of(config["fuse"]["vocabulary"] or OWN["vocabulary"])
# the backbone's aliases are of its vocabulary, not of another
ALIASES = path_of(
    config["fuse"]["aliases"]
    or (None if config["fuse"]["vocabulary"] else OWN["aliases"])
)
# of the run, and of backbones that arms have in its place: their bundles are <graph>.<backbone>
OTHERS = other_backbones(config["pretrain"])
VOCABULARIES = {"own": VOCABULARY} | {
    f"own.{name}": path_of(OF_BACKBONE[name]["vocabulary"]) for name in OTHERS
}
ALIASES_OF = {"own": ALIASES} | {
    f"own.{name}": path_of(OF_BACKBONE[name]["aliases"]) for name in OTHERS
}
# a corpus is of one genome, that of any of its datasets
ORTHOLOGS = {
    name: path_of(config["fuse"]["orthologs"].get(GENOMES[members[0]]))
    for name, members in [
        *((dataset, [dataset]) for dataset in DATASETS),
        *((corpus, parts["datasets"]) for corpus, parts in CORPORA.items()),
    ]
}
BUNDLES = {
    name: f"<results>/{{dataset}}/fuse/{bundle_name(arm)}"
    for name, arm in config["pretrain"]["arms"].items()
}
CORPUS_FILES = {
    name: [
        rna_file(path, corpus["datasets"]) or path_of(path)
        for path in corpus["files"].values()
    ]
    for name, corpus in CORPORA.items()
}  # of RNA only
# of graphs with the scale knowledge: files, and how they become pairs of genes
KNOWLEDGE = config["fuse"]["knowledge"]
KNOWING = [name for name in names("grnformer.graph.modes") if has_knowledge(name)]
SOURCES_OF = dict.fromkeys(KNOWING, [path_of(f) for f in KNOWLEDGE["sources"].values()])
KNOWLEDGE_OF = dict.fromkeys(
    KNOWING, KNOWLEDGE | {"sources": list(KNOWLEDGE["sources"])}
)
REPORTED["graphs"] = expand(
    "<results>/{dataset}/fuse/{graph}",
    dataset=TRAINED,
    graph=config["fuse"]["graphs"],
)


wildcard_constraints:
    of=f"({'|'.join(['', *(rf'[.]{name}' for name in OTHERS)])})",


rule fuse:
    input:
        REPORTED["graphs"],
        f"<results>/{REPORT}/fuse/index.html" if TRAINED else [],
    localrule: True


rule build_graph:
    input:
        multiome=NETWORK_CELLS,
        cell_type="<results>/{dataset}/grn/cell_type",
        eregulons="<results>/{dataset}/grn/eregulons.parquet",
        activity="<results>/{dataset}/grn/cell_activity.h5ad",
        prior=branch(
            lookup(dpath="{graph}", within={"prior": True}, default=False),
            then="<results>/{dataset}/grn/prior.parquet",
        ),
        knowledge=lookup(dpath="{graph}", within=SOURCES_OF, default=[]),
        vocabulary=lookup(dpath="own{of}", within=VOCABULARIES),
        aliases=lookup(dpath="own{of}", within=ALIASES_OF),
        orthologs=lookup(dpath="{dataset}", within=ORTHOLOGS),
    output:
        directory("<results>/{dataset}/fuse/{graph}{of}"),
    log:
        "<logs>/{dataset}/fuse/build_graph.{graph}{of}.log",
    benchmark:
        "<benchmarks>/{dataset}/fuse/build_graph.{graph}{of}.tsv"
    wildcard_constraints:
        dataset=one_of(DATASETS),
        graph="[a-z_]+",
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000, per_mb=40, most=64000),
        runtime=growing(15, per_mb=0.05),
    params:
        settings={
            key: config["fuse"][key]
            for key in (
                "min_cells",
                "max_genes",
                "max_regulators",
                "cell_weight",
                "seed",
            )
        },
        knowledge=lookup(dpath="{graph}", within=KNOWLEDGE_OF, default={}),
        code=code("fuse/build_graph", at="graph"),
    message:
        "Building the {wildcards.graph}{wildcards.of} graph of {wildcards.dataset}"
    script:
        "../scripts/fuse/build_graph.py"


rule join_bundles:
    input:
        bundles=of_members("<results>/{dataset}/fuse/{graph}{of}"),
        multiomes=of_members("<results>/{dataset}/prep/multiome.h5mu"),
        files=lookup(dpath="{dataset}", within=CORPUS_FILES),
        knowledge=lookup(dpath="{graph}", within=SOURCES_OF, default=[]),
        vocabulary=lookup(dpath="own{of}", within=VOCABULARIES),
        aliases=lookup(dpath="own{of}", within=ALIASES_OF),
        orthologs=lookup(dpath="{dataset}", within=ORTHOLOGS),
    output:
        directory("<results>/{dataset}/fuse/{graph}{of}"),
    log:
        "<logs>/{dataset}/fuse/join_bundles.{graph}{of}.log",
    benchmark:
        "<benchmarks>/{dataset}/fuse/join_bundles.{graph}{of}.tsv"
    wildcard_constraints:
        dataset=one_of(CORPORA),
        graph="[a-z_]+",
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(15, per_mb=0.2),
    params:
        datasets=lookup(dpath="{dataset}/datasets", within=CORPORA),
        files=lookup(dpath="{dataset}/files", within=CORPORA),
        knowledge=lookup(dpath="{graph}", within=KNOWLEDGE_OF, default={}),
        code=code("fuse/join_bundles", at="graph"),
    message:
        "Joining the {wildcards.graph}{wildcards.of} graphs of the corpus {wildcards.dataset}"
    script:
        "../scripts/fuse/join_bundles.py"
