# fuse: networks and cell activities on the genes of the backbone's vocabulary; one bundle a graph mode.

OF_BACKBONE = config["fuse"]["backbones"][config["pretrain"]["backbone"]]
VOCABULARY = path_of(config["fuse"]["vocabulary"] or OF_BACKBONE["vocabulary"])
# the backbone's aliases are of its vocabulary, not of another
ALIASES = path_of(
    config["fuse"]["aliases"]
    or (None if config["fuse"]["vocabulary"] else OF_BACKBONE["aliases"])
)
CORPUS_FILES = {
    name: [path_of(path) for path in corpus["files"].values()]
    for name, corpus in CORPORA.items()
}  # of RNA only
REPORTED["graphs"] = expand(
    "<results>/{dataset}/fuse/{graph}",
    dataset=TRAINED,
    graph=config["fuse"]["graphs"],
)


rule fuse:
    input:
        REPORTED["graphs"],
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
        vocabulary=VOCABULARY,
        aliases=ALIASES,
    output:
        directory("<results>/{dataset}/fuse/{graph}"),
    log:
        "<logs>/{dataset}/fuse/build_graph.{graph}.log",
    benchmark:
        "<benchmarks>/{dataset}/fuse/build_graph.{graph}.tsv"
    wildcard_constraints:
        dataset=one_of(DATASETS),
        graph="[a-z_]+",
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000, per_mb=40),
        runtime=growing(15, per_mb=0.2),
    params:
        settings={
            key: config["fuse"][key] for key in ("min_cells", "max_genes", "seed")
        },
        code=code("fuse/build_graph", at="graph"),
    message:
        "Building the {wildcards.graph} graph of {wildcards.dataset}"
    script:
        "../scripts/fuse/build_graph.py"


rule join_bundles:
    input:
        bundles=of_members("<results>/{dataset}/fuse/{graph}"),
        multiomes=of_members("<results>/{dataset}/prep/multiome.h5mu"),
        files=lookup(dpath="{dataset}", within=CORPUS_FILES),
        vocabulary=VOCABULARY,
        aliases=ALIASES,
    output:
        directory("<results>/{dataset}/fuse/{graph}"),
    log:
        "<logs>/{dataset}/fuse/join_bundles.{graph}.log",
    benchmark:
        "<benchmarks>/{dataset}/fuse/join_bundles.{graph}.tsv"
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
        code=code("fuse/join_bundles"),
    message:
        "Joining the {wildcards.graph} graphs of the corpus {wildcards.dataset}"
    script:
        "../scripts/fuse/join_bundles.py"
