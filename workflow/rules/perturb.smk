# perturb: genes knocked down and over-expressed in silico, through networks and models. Without genes: nothing.
from grnformer.workflow.arms import arms_with_values

PERTURB = config["perturb"]
PERTURB_SETTINGS = {
    key: value for key, value in PERTURB.items() if key not in ("arms", "genes")
}
SET_IN = DATASETS if PERTURB["genes"] else []
SET_ARMS = chosen(arms_with_values(config["pretrain"]), PERTURB["arms"])
# dataset -> what is found through its models; a model of a corpus has cells of several files
SET_MODELS = {
    dataset: {
        table: expand(
            f"<results>/{dataset}/perturb/{{arm}}/seed{{seed}}/{table}.parquet",
            arm=SET_ARMS,
            seed=config["pretrain"]["seeds"],
        )
        for table in ("genes", "cells")
    }
    for dataset in PRETRAINED
}
REPORTED |= {
    f"perturbed_{table}": expand(
        f"<results>/{{dataset}}/perturb/{table}.parquet", dataset=SET_IN
    )
    for table in ("genes", "cells")
}


rule perturb:
    input:
        REPORTED["perturbed_genes"],
        REPORTED["perturbed_cells"],
        f"<results>/{REPORT}/perturb/index.html" if SET_IN else [],
    localrule: True


rule perturb_model:
    input:
        multiome="<results>/{dataset}/prep/multiome.h5mu",
        bundle=lookup(dpath="{arm}", within=BUNDLES),
        weights="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.safetensors",
        card="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
        reference="<results>/{dataset}/pretrain/{arm}/seed{seed}/reference.parquet",
    output:
        genes="<results>/{dataset}/perturb/{arm}/seed{seed}/genes.parquet",
        cells="<results>/{dataset}/perturb/{arm}/seed{seed}/cells.parquet",
    log:
        "<logs>/{dataset}/perturb/perturb_model.{arm}.seed{seed}.log",
    benchmark:
        "<benchmarks>/{dataset}/perturb/perturb_model.{arm}.seed{seed}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=20),
        runtime=growing(60, per_mb=2),
    params:
        # not read: arms of other backbones differ in code
        arm=lookup(dpath="pretrain/arms/{arm}", within=config),
        genes=PERTURB["genes"],
        settings=PERTURB_SETTINGS,
        code=code("perturb/perturb_model", at="arm"),
    message:
        "Setting genes in arm {wildcards.arm}, seed {wildcards.seed}, of {wildcards.dataset}"
    script:
        "../scripts/perturb/perturb_model.py"


rule perturb_genes:
    input:
        multiome="<results>/{dataset}/prep/multiome.h5mu",
        networks="<results>/{dataset}/grn/cell_type",
        genes=lookup(dpath="{dataset}/genes", within=SET_MODELS, default=[]),
        cells=lookup(dpath="{dataset}/cells", within=SET_MODELS, default=[]),
    output:
        genes="<results>/{dataset}/perturb/genes.parquet",
        cells="<results>/{dataset}/perturb/cells.parquet",
    log:
        "<logs>/{dataset}/perturb/perturb_genes.log",
    benchmark:
        "<benchmarks>/{dataset}/perturb/perturb_genes.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=40),
        runtime=growing(30, per_mb=1),
    params:
        arms=config["pretrain"]["arms"],
        genes=PERTURB["genes"],
        settings=PERTURB_SETTINGS,
        code=code("perturb/perturb_genes"),
    message:
        "Setting genes in the networks of {wildcards.dataset}, beside its models and controls"
    script:
        "../scripts/perturb/perturb_genes.py"
