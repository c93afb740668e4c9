# pretrain: masked value prediction by a backbone, with or without a graph; one model an arm and seed.
from grnformer.workflow.arms import settings_by_arm

SETTINGS_OF = settings_by_arm(config["pretrain"])
MODELS = {
    "dataset": TRAINED,
    "arm": config["pretrain"]["arms"],
    "seed": config["pretrain"]["seeds"],
}
REPORTED |= {
    "training": expand(
        "<results>/{dataset}/pretrain/{arm}/seed{seed}/training.tsv", **MODELS
    ),
    "heldout": expand(
        "<results>/{dataset}/pretrain/{arm}/seed{seed}/heldout.json", **MODELS
    ),
    "models": expand(
        "<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json", **MODELS
    ),
}


rule pretrain:
    input:
        expand(
            "<results>/{dataset}/pretrain/{arm}/seed{seed}/model.safetensors", **MODELS
        ),
        f"<results>/{REPORT}/pretrain/index.html" if TRAINED else [],
    localrule: True


rule split_cells:
    input:
        multiome="<results>/{dataset}/prep/multiome.h5mu",
    output:
        split="<results>/{dataset}/pretrain/split.tsv",
    log:
        "<logs>/{dataset}/pretrain/split_cells.log",
    benchmark:
        "<benchmarks>/{dataset}/pretrain/split_cells.tsv"
    wildcard_constraints:
        dataset=one_of(DATASETS),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(15, per_mb=0.2),
    params:
        heldout_fraction=config["pretrain"]["heldout_fraction"],
        donors=config["pretrain"]["heldout_donors"],
        seed=config["pretrain"]["seed"],
        code=code("pretrain/split_cells"),
    message:
        "Holding out cells of {wildcards.dataset}"
    script:
        "../scripts/pretrain/split_cells.py"


rule join_splits:
    input:
        splits=of_members("<results>/{dataset}/pretrain/split.tsv"),
        files=lookup(dpath="{dataset}", within=CORPUS_FILES),
    output:
        split="<results>/{dataset}/pretrain/split.tsv",
    log:
        "<logs>/{dataset}/pretrain/join_splits.log",
    benchmark:
        "<benchmarks>/{dataset}/pretrain/join_splits.tsv"
    wildcard_constraints:
        dataset=one_of(CORPORA),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(15, per_mb=0.2),
    params:
        datasets=lookup(dpath="{dataset}/datasets", within=CORPORA),
        files=lookup(dpath="{dataset}/files", within=CORPORA),
        heldout_fraction=config["pretrain"]["heldout_fraction"],
        seed=config["pretrain"]["seed"],
        code=code("pretrain/join_splits"),
    message:
        "Holding out cells of the corpus {wildcards.dataset}"
    script:
        "../scripts/pretrain/join_splits.py"


rule pretrain_model:
    input:
        multiomes=of_members("<results>/{dataset}/prep/multiome.h5mu"),
        files=lookup(dpath="{dataset}", within=CORPUS_FILES, default=[]),
        split="<results>/{dataset}/pretrain/split.tsv",
        bundle=lookup(dpath="{arm}", within=BUNDLES),
        checkpoint=path_of(config["pretrain"]["checkpoint"]),
        medians=path_of(config["pretrain"]["medians"]),
        vocabulary=VOCABULARY if config["pretrain"]["medians"] else [],
    output:
        weights="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.safetensors",
        card="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
        training="<results>/{dataset}/pretrain/{arm}/seed{seed}/training.tsv",
        heldout="<results>/{dataset}/pretrain/{arm}/seed{seed}/heldout.json",
        reference="<results>/{dataset}/pretrain/{arm}/seed{seed}/reference.parquet",
    log:
        "<logs>/{dataset}/pretrain/pretrain_model.{arm}.seed{seed}.log",
    benchmark:
        "<benchmarks>/{dataset}/pretrain/pretrain_model.{arm}.seed{seed}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
        gpu=0,
        nodes=1,
        processes=1,
    params:
        arm=lookup(dpath="pretrain/arms/{arm}", within=config),
        members=lookup(dpath="{dataset}/datasets", within=CORPORA, default=[]),
        files=lookup(dpath="{dataset}/files", within=CORPORA, default={}),
        settings=lookup(dpath="{arm}", within=SETTINGS_OF),
        folder=subpath(output.weights, parent=True),
        code=code("pretrain/pretrain_model", at="arm"),
    message:
        "Pretraining arm {wildcards.arm}, seed {wildcards.seed}, on {wildcards.dataset}"
    script:
        "../scripts/pretrain/pretrain_model.py"
