# Perturbation profiles: the expression profile that a perturbation gives which training has not seen.
PROFILED = config["bench"]["perturbation_profiles"]
PROFILED_CELLS = {
    name: {
        "cells": path_of(screen["cells"]),
        "sheet": [path_of(screen["sheet"])] if screen["sheet"] else [],
        "expression": [path_of(file) for file in screen["expression"]],
    }
    for name, screen in PROFILED["screens"].items()
}
PROFILED_MODELS = {
    stage: expand(
        f"<results>/{{dataset}}/{stage}/{{arm}}/seed{{seed}}",
        dataset=[PROFILED["models"]] if PROFILED["models"] else [],
        arm=ARMS,
        seed=config["pretrain"]["seeds"],
    )
    for stage in ("embed", "pretrain")
}
# what the models make of a screen's perturbations, in cells of one dataset; another backbone predicts no values
SET_PROFILED = "<results>/{dataset}/bench/perturbation_profiles/{profiled}/set/{arm}/seed{seed}/shifts.parquet"
PROFILED_SETTINGS = SETTING | {
    "kinds": [PROFILED["in_silico"]["edit"]],
    "cells": PROFILED["in_silico"]["cells"],
    "cell_type": PROFILED["in_silico"]["cell_type"],
}
PROFILED_SET = expand(
    SET_PROFILED,
    dataset=[PROFILED["models"]] if PROFILED["models"] in DATASETS else [],
    arm=arms_with_values(config["pretrain"]) if PROFILED["in_silico"]["cells"] else [],
    seed=config["pretrain"]["seeds"],
    allow_missing=True,
)
BENCHED |= {
    f"perturbation_profiles_{table}": expand(
        f"<results>/bench/perturbation_profiles/{{profiled}}/{{held_out}}/{table}.tsv",
        profiled=PROFILED_CELLS,
        held_out=PROFILED["splits"],
    )
    for table in ("scores", "summary")
}


wildcard_constraints:
    profiled=one_of(PROFILED_CELLS),
    held_out=one_of(PROFILED["splits"]),


rule prepare_perturbation_profiles:
    input:
        cells=lookup(dpath="{profiled}/cells", within=PROFILED_CELLS),
        sheet=lookup(dpath="{profiled}/sheet", within=PROFILED_CELLS),
    output:
        profiles="<results>/bench/perturbation_profiles/{profiled}/profiles.h5ad",
        controls="<results>/bench/perturbation_profiles/{profiled}/controls.parquet",
    log:
        "<logs>/bench/prepare_perturbation_profiles.{profiled}.log",
    benchmark:
        "<benchmarks>/bench/prepare_perturbation_profiles.{profiled}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=30),
        runtime=growing(15, per_mb=0.2),
    params:
        entry=lookup(dpath="{profiled}", within=PROFILED["screens"]),
        least_cells=PROFILED["least_cells"],
        seed=PROFILED["seed"],
        code=code("bench/prepare_perturbation_profiles"),
    message:
        "Averaging the cells of each perturbation of {wildcards.profiled}"
    script:
        "../../scripts/bench/prepare_perturbation_profiles.py"


rule split_perturbation_profiles:
    input:
        "<results>/bench/perturbation_profiles/{profiled}/profiles.h5ad",
    output:
        "<results>/bench/perturbation_profiles/{profiled}/{held_out}/split.tsv",
    log:
        "<logs>/bench/split_perturbation_profiles.{profiled}.{held_out}.log",
    benchmark:
        "<benchmarks>/bench/split_perturbation_profiles.{profiled}.{held_out}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000, per_mb=10),
        runtime=growing(5, per_mb=0.1),
    params:
        n_folds=PROFILED["n_folds"],
        seed=PROFILED["seed"],
        code=code("bench/split_perturbation_profiles"),
    message:
        "Splitting the perturbations of {wildcards.profiled}: {wildcards.held_out}"
    script:
        "../../scripts/bench/split_perturbation_profiles.py"


rule set_profiled_genes:
    input:
        profiles="<results>/bench/perturbation_profiles/{profiled}/profiles.h5ad",
        multiome="<results>/{dataset}/prep/multiome.h5mu",
        bundle=lookup(dpath="{arm}", within=BUNDLES),
        weights="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.safetensors",
        card="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
        reference="<results>/{dataset}/pretrain/{arm}/seed{seed}/reference.parquet",
    output:
        SET_PROFILED,
    log:
        "<logs>/{dataset}/bench/set_profiled_genes.{profiled}.{arm}.seed{seed}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/set_profiled_genes.{profiled}.{arm}.seed{seed}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=20),
        runtime=growing(60, per_mb=2),
    params:
        # not read: arms of other backbones differ in code
        arm=lookup(dpath="pretrain/arms/{arm}", within=config),
        settings=PROFILED_SETTINGS,
        code=code("bench/set_profiled_genes", at="arm"),
    message:
        "Setting the perturbed genes of {wildcards.profiled} in arm {wildcards.arm}, seed {wildcards.seed}, of {wildcards.dataset}"
    script:
        "../../scripts/bench/set_profiled_genes.py"


rule predict_perturbation_profiles:
    input:
        profiles="<results>/bench/perturbation_profiles/{profiled}/profiles.h5ad",
        controls="<results>/bench/perturbation_profiles/{profiled}/controls.parquet",
        split="<results>/bench/perturbation_profiles/{profiled}/{held_out}/split.tsv",
        expression=lookup(dpath="{profiled}/expression", within=PROFILED_CELLS),
        pathways=path_of(PERTURBATION["pathways"]),
        complexes=path_of(PERTURBATION["complexes"]),
        interactions=path_of(PERTURBATION["interactions"]),
        networks=expand(
            "<results>/{dataset}/grn/tf_gene.parquet", dataset=PROFILED["networks"]
        ),
        genes=[f"{path}/genes.parquet" for path in PROFILED_MODELS["embed"]],
        cards=[f"{path}/model.json" for path in PROFILED_MODELS["pretrain"]],
        shifts=PROFILED_SET,
    output:
        predictions="<results>/bench/perturbation_profiles/{profiled}/{held_out}/predictions.h5ad",
        choices="<results>/bench/perturbation_profiles/{profiled}/{held_out}/choices.tsv",
    log:
        "<logs>/bench/predict_perturbation_profiles.{profiled}.{held_out}.log",
    benchmark:
        "<benchmarks>/bench/predict_perturbation_profiles.{profiled}.{held_out}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000, per_mb=40),
        runtime=growing(60, per_mb=2),
    params:
        networks=PROFILED["networks"],
        seed=PROFILED["seed"],
        code=code("bench/predict_perturbation_profiles"),
    message:
        "Predicting profiles of {wildcards.profiled}'s perturbations: {wildcards.held_out}"
    script:
        "../../scripts/bench/predict_perturbation_profiles.py"


rule score_perturbation_profiles:
    input:
        profiles="<results>/bench/perturbation_profiles/{profiled}/profiles.h5ad",
        split="<results>/bench/perturbation_profiles/{profiled}/{held_out}/split.tsv",
        predictions="<results>/bench/perturbation_profiles/{profiled}/{held_out}/predictions.h5ad",
    output:
        scores="<results>/bench/perturbation_profiles/{profiled}/{held_out}/scores.tsv",
        summary="<results>/bench/perturbation_profiles/{profiled}/{held_out}/summary.tsv",
    log:
        "<logs>/bench/score_perturbation_profiles.{profiled}.{held_out}.log",
    benchmark:
        "<benchmarks>/bench/score_perturbation_profiles.{profiled}.{held_out}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(20, per_mb=0.5),
    params:
        controls=[arm for arm, graph in ARMS.items() if graph not in DATA_GRAPHS],
        n_resamples=config["bench"]["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/score_perturbation_profiles"),
    message:
        "Scoring profiles of {wildcards.profiled}'s perturbations: {wildcards.held_out}"
    script:
        "../../scripts/bench/score_perturbation_profiles.py"
