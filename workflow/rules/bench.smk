# Benchmarks: every score beside its floors, its controls and an interval.


localrules:
    bench,


rule bench:
    input:
        expand(
            "results/{dataset}/bench/grn_accuracy/{table}.tsv",
            dataset=DATASETS if config["bench"]["grn_accuracy"]["lines"] else [],
            table=["scores", "summary", "truth"],
        ),


rule score_grn_accuracy:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        tss="results/{dataset}/prep/tss.parquet",
        tf_gene="results/{dataset}/grn/tf_gene.parquet",
        cell_type="results/{dataset}/grn/cell_type",
        truth=path_of(config["bench"]["grn_accuracy"]["truth"]),
        prior=path_of(config["bench"]["grn_accuracy"]["prior"]),
        tfs=path_of(config["bench"]["grn_accuracy"]["tfs"]),
    output:
        scores="results/{dataset}/bench/grn_accuracy/scores.tsv",
        summary="results/{dataset}/bench/grn_accuracy/summary.tsv",
        truth="results/{dataset}/bench/grn_accuracy/truth.tsv",
    log:
        "results/{dataset}/log/bench/score_grn_accuracy.log",
    benchmark:
        "results/{dataset}/benchmark/bench/score_grn_accuracy.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        settings=config["bench"]["grn_accuracy"],
        n_resamples=config["bench"]["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/score_grn_accuracy"),
    message:
        "Scoring networks of {wildcards.dataset} against ChIP-seq"
    script:
        "../scripts/bench/score_grn_accuracy.py"
