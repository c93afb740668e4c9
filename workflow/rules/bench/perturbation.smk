# Perturbation: which genes respond to the knock-down of a gene that training has not seen, and which way.
PERTURBATION = config["bench"]["perturbation"]
PERTURBED = {}  # screen -> label -> its table
for name, screen in PERTURBATION["screens"].items():
    tables = {label: screen[label] for label in ("effects", "directions")}
    PERTURBED[name] = {key: path_of(table) for key, table in tables.items() if table}
PERTURBED_CELLS = {
    name: [path_of(file) for file in screen["expression"]]
    for name, screen in PERTURBATION["screens"].items()
}
# where the predictions of an arm of pretraining are, and the arms: with a graph of the data, and their controls
PERTURBED_ARM = "<results>/{dataset}/bench/perturbation/{screen}/{label}/arms/{arm}"
PERTURBED_BY = {
    "models": [arm for arm, graph in ARMS.items() if graph in DATA_GRAPHS],
    "controls": [arm for arm, graph in ARMS.items() if graph not in DATA_GRAPHS],
}
# arm -> what its models make of the tested perturbations, in cells of one dataset; another backbone predicts no values
SET_PERTURBED = (
    "<results>/{dataset}/bench/perturbation/{screen}/set/{arm}/seed{seed}.parquet"
)
SETTING = {
    key: PERTURB[key] for key in ("fold", "quantile", "draws", "batch_size", "seed")
}
PERTURBED_LABELS = {name: list(tables.values()) for name, tables in PERTURBED.items()}
PERTURBED_SETTINGS = SETTING | {
    "kinds": [PERTURBATION["in_silico"]["edit"]],
    "cells": PERTURBATION["in_silico"]["cells"],
    "cell_type": PERTURBATION["in_silico"]["cell_type"],
}
PERTURBED_SET = {
    arm: expand(
        SET_PERTURBED, arm=arm, seed=config["pretrain"]["seeds"], allow_missing=True
    )
    for arm in arms_with_values(config["pretrain"])
    if PERTURBATION["in_silico"]["cells"] and PERTURBATION["models"] in DATASETS
}
# nothing asks for the arms where no models are named
PERTURBED_MODELS = [PERTURBATION["models"]] if PERTURBATION["models"] else []
BENCHED |= {
    f"perturbation_{table}": [
        f"<results>/bench/perturbation/{name}/{label}/{table}.tsv"
        for name, tables in PERTURBED.items()
        for label in tables
    ]
    for table in ("scores", "summary", "choices")
}
BENCHED["perturbation_choices"] += [
    path
    for name, tables in PERTURBED.items()
    for path in expand(
        f"{PERTURBED_ARM}.tsv",
        dataset=PERTURBED_MODELS,
        screen=name,
        label=tables,
        arm=ARMS,
    )
]


wildcard_constraints:
    screen=one_of(PERTURBED),
    label="effects|directions",


rule predict_perturbation:
    input:
        labels=lookup(dpath="{screen}/{label}", within=PERTURBED),
        expression=lookup(dpath="{screen}", within=PERTURBED_CELLS),
        pathways=path_of(PERTURBATION["pathways"]),
        complexes=path_of(PERTURBATION["complexes"]),
        interactions=path_of(PERTURBATION["interactions"]),
    output:
        predictions="<results>/bench/perturbation/{screen}/{label}/predictions.parquet",
        choices="<results>/bench/perturbation/{screen}/{label}/choices.tsv",
    log:
        "<logs>/bench/predict_perturbation.{screen}.{label}.log",
    benchmark:
        "<benchmarks>/bench/predict_perturbation.{screen}.{label}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000, per_mb=100),
        runtime=growing(60, per_mb=5),
    params:
        n_folds=PERTURBATION["n_folds"],
        seed=PERTURBATION["seed"],
        code=code("bench/predict_perturbation"),
    message:
        "Predicting {wildcards.label} of {wildcards.screen}'s perturbations by baselines and graphs"
    script:
        "../../scripts/bench/predict_perturbation.py"


rule predict_perturbation_arm:
    input:
        labels=lookup(dpath="{screen}/{label}", within=PERTURBED),
        genes=expand(
            "<results>/{dataset}/embed/{arm}/seed{seed}/genes.parquet",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
        cards=expand(
            "<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
        shifts=lookup(dpath="{arm}", within=PERTURBED_SET, default=[]),
        expression=lookup(dpath="{screen}", within=PERTURBED_CELLS),
        pathways=path_of(PERTURBATION["pathways"]),
        complexes=path_of(PERTURBATION["complexes"]),
        interactions=path_of(PERTURBATION["interactions"]),
    output:
        predictions=f"{PERTURBED_ARM}.parquet",
        choices=f"{PERTURBED_ARM}.tsv",
    log:
        "<logs>/{dataset}/bench/predict_perturbation_arm.{screen}.{label}.{arm}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/predict_perturbation_arm.{screen}.{label}.{arm}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000, per_mb=100),
        runtime=growing(60, per_mb=5),
    params:
        n_folds=PERTURBATION["n_folds"],
        seed=PERTURBATION["seed"],
        code=code("bench/predict_perturbation_arm"),
    message:
        "Predicting {wildcards.label} of {wildcards.screen}'s perturbations by arm {wildcards.arm} of {wildcards.dataset}"
    script:
        "../../scripts/bench/predict_perturbation_arm.py"


rule set_perturbed_genes:
    input:
        labels=lookup(dpath="{screen}", within=PERTURBED_LABELS),
        multiome="<results>/{dataset}/prep/multiome.h5mu",
        bundle=lookup(dpath="{arm}", within=BUNDLES),
        weights="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.safetensors",
        card="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
        reference="<results>/{dataset}/pretrain/{arm}/seed{seed}/reference.parquet",
    output:
        SET_PERTURBED,
    log:
        "<logs>/{dataset}/bench/set_perturbed_genes.{screen}.{arm}.seed{seed}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/set_perturbed_genes.{screen}.{arm}.seed{seed}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=20),
        runtime=growing(60, per_mb=2),
    params:
        # not read: arms of other backbones differ in code
        arm=lookup(dpath="pretrain/arms/{arm}", within=config),
        settings=PERTURBED_SETTINGS,
        code=code("bench/set_perturbed_genes", at="arm"),
    message:
        "Setting the perturbed genes of {wildcards.screen} in arm {wildcards.arm}, seed {wildcards.seed}, of {wildcards.dataset}"
    script:
        "../../scripts/bench/set_perturbed_genes.py"


rule propagate_network:
    input:
        labels=lookup(dpath="{screen}/{label}", within=PERTURBED),
        tf_gene="<results>/{dataset}/grn/tf_gene.parquet",
    output:
        "<results>/{dataset}/bench/perturbation/{screen}/{label}.parquet",
    log:
        "<logs>/{dataset}/bench/propagate_network.{screen}.{label}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/propagate_network.{screen}.{label}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=40),
        runtime=growing(20, per_mb=1),
    params:
        seed=PERTURBATION["seed"],
        code=code("bench/propagate_network"),
    message:
        "Propagating {wildcards.screen}'s perturbations on the network of {wildcards.dataset}"
    script:
        "../../scripts/bench/propagate_network.py"


rule score_perturbation:
    input:
        predictions="<results>/bench/perturbation/{screen}/{label}/predictions.parquet",
        networks=expand(
            "<results>/{dataset}/bench/perturbation/{screen}/{label}.parquet",
            dataset=PERTURBATION["networks"],
            allow_missing=True,
        ),
        models=expand(
            f"{PERTURBED_ARM}.parquet",
            dataset=PERTURBED_MODELS,
            arm=PERTURBED_BY["models"],
            allow_missing=True,
        ),
        controls=expand(
            f"{PERTURBED_ARM}.parquet",
            dataset=PERTURBED_MODELS,
            arm=PERTURBED_BY["controls"],
            allow_missing=True,
        ),
    output:
        scores="<results>/bench/perturbation/{screen}/{label}/scores.tsv",
        summary="<results>/bench/perturbation/{screen}/{label}/summary.tsv",
    log:
        "<logs>/bench/score_perturbation.{screen}.{label}.log",
    benchmark:
        "<benchmarks>/bench/score_perturbation.{screen}.{label}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=100),
        runtime=growing(30, per_mb=2),
    params:
        n_resamples=PERTURBATION["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/score_perturbation"),
    message:
        "Scoring {wildcards.label} of {wildcards.screen}'s perturbations"
    script:
        "../../scripts/bench/score_perturbation.py"
