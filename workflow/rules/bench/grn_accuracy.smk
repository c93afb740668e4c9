# GRN accuracy: networks of cell types against ChIP-seq of their cell lines.
CHIP_LINES = {}  # dataset -> cell type -> its line
for row in config["bench"]["grn_accuracy"]["lines"]:
    if row["dataset"] in DATASETS:
        CHIP_LINES.setdefault(row["dataset"], {})[row["cell_type"]] = row["line"]
BENCHED |= {
    name: expand(
        f"<results>/{{dataset}}/bench/grn_accuracy/{table}.tsv",
        dataset=sorted(CHIP_LINES),
    )
    for name, table in {
        "grn_accuracy_scores": "scores",
        "grn_accuracy_summary": "summary",
        "grn_truth": "truth",
    }.items()
}


rule score_grn_accuracy:
    input:
        multiome=NETWORK_CELLS,
        tss="<results>/{dataset}/prep/tss.parquet",
        tf_gene="<results>/{dataset}/grn/tf_gene.parquet",
        cell_type="<results>/{dataset}/grn/cell_type",
        truth=path_of(config["bench"]["grn_accuracy"]["truth"]),
        prior=setting_path("grn.cistromes.prior.table"),
        binding=branch(
            setting("grn.cistromes.promoter.promoters"),
            then="<results>/{dataset}/grn/promoter_binding.parquet",
        ),
        links=branch(
            setting("grn.cistromes.promoter.promoters"),
            then="<results>/{dataset}/grn/region_gene.parquet",
        ),
        tfs=path_of(config["bench"]["grn_accuracy"]["tfs"]),
        networks=[
            path_of(path)
            for path in config["bench"]["grn_accuracy"]["networks"].values()
        ],
    output:
        scores="<results>/{dataset}/bench/grn_accuracy/scores.tsv",
        summary="<results>/{dataset}/bench/grn_accuracy/summary.tsv",
        truth="<results>/{dataset}/bench/grn_accuracy/truth.tsv",
    log:
        "<logs>/{dataset}/bench/score_grn_accuracy.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/score_grn_accuracy.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(30, per_mb=0.5),
    params:
        lines=lookup(dpath="{dataset}", within=CHIP_LINES),
        settings={
            key: config["bench"]["grn_accuracy"][key]
            for key in (
                "aliases",
                "min_positives",
                "promoter_margin",
                "binding_weight",
                "prior_log_odds",
                "link_decay",
            )
        },
        networks=list(config["bench"]["grn_accuracy"]["networks"]),
        chip_sources=setting("grn.cistromes.prior.chip_sources"),
        n_resamples=config["bench"]["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/score_grn_accuracy"),
    message:
        "Scoring networks of {wildcards.dataset} against ChIP-seq"
    script:
        "../../scripts/bench/score_grn_accuracy.py"


rule export_networks:
    input:
        eregulons="<results>/{dataset}/grn/eregulons.parquet",
    output:
        genernib="<results>/{dataset}/bench/grn_accuracy/export/genernib.h5ad",
        gretapy="<results>/{dataset}/bench/grn_accuracy/export/gretapy.tsv",
    log:
        "<logs>/{dataset}/bench/export_networks.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/export_networks.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(10, per_mb=0.2),
    params:
        code=code("bench/export_networks"),
    message:
        "Writing eRegulons of {wildcards.dataset} for geneRNIB and gretapy"
    script:
        "../../scripts/bench/export_networks.py"
