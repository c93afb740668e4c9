# Stage grn.


rule infer_tf_gene:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        tfs="results/{dataset}/grn/tfs.txt",
    output:
        "results/{dataset}/grn/tf_gene.parquet",
    log:
        "results/{dataset}/log/grn/infer_tf_gene.log",
    benchmark:
        "results/{dataset}/benchmark/grn/infer_tf_gene.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 16
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        settings=config["grn"]["tf_gene"],
        seed=config["grn"]["seed"],
        code=code("grn/infer_tf_gene"),
    message:
        "TF-gene importance in {wildcards.dataset}"
    script:
        "../scripts/grn/infer_tf_gene.py"


rule score_cell_activity:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        eregulons="results/{dataset}/grn/eregulons.parquet",
    output:
        activity="results/{dataset}/grn/cell_activity.h5ad",
        thresholds="results/{dataset}/grn/thresholds.tsv",
    log:
        "results/{dataset}/log/grn/score_cell_activity.log",
    benchmark:
        "results/{dataset}/benchmark/grn/score_cell_activity.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        settings=config["grn"]["cell"],
        seed=config["grn"]["seed"],
        code=code("grn/score_cell_activity"),
    message:
        "eRegulon activity of each cell in {wildcards.dataset}"
    script:
        "../scripts/grn/score_cell_activity.py"


rule score_specificity:
    input:
        "results/{dataset}/grn/cell_activity.h5ad",
    output:
        "results/{dataset}/grn/specificity.parquet",
    log:
        "results/{dataset}/log/grn/score_specificity.log",
    benchmark:
        "results/{dataset}/benchmark/grn/score_specificity.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("grn/score_specificity"),
    message:
        "Specificity of eRegulons for cell types in {wildcards.dataset}"
    script:
        "../scripts/grn/score_specificity.py"
