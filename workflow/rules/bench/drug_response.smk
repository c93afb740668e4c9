# Drug response: LN_IC50 of drugs in cell lines, from the models' embeddings.
from grnformer.workflow.config import DATA_GRAPHS, TISSUE_SPLITS

DRUG_RESPONSE = config["bench"]["drug_response"]
SPLITS = DRUG_RESPONSE["splits"] if TRAINED else []
SCREENED = TRAINED if SPLITS else []
BENCHED |= {
    f"drug_response_{table}": expand(
        f"<results>/{{dataset}}/bench/drug_response/{table}.tsv", dataset=SCREENED
    )
    for table in ("scores", "summary")
}
# What a network is worth as features: needs the networks, and no model.
FEATURED = DATASETS if DRUG_RESPONSE["network_features"]["splits"] else []
BENCHED |= {
    f"network_features_{table}": expand(
        f"<results>/{{dataset}}/bench/network_features/{table}.tsv", dataset=FEATURED
    )
    for table in ("scores", "summary")
}
REPORTED["screen_counts"] = "<results>/bench/drug_response/counts.tsv" if SPLITS else []


# what some splits need beside the screen: split -> files
OTHER_SCREEN = {"screen": "<results>/bench/drug_response/source.parquet"}
TISSUES = dict.fromkeys(TISSUE_SPLITS, "<results>/bench/drug_response/tissues.tsv")


wildcard_constraints:
    split=one_of(DRUG_RESPONSE["splits"] + DRUG_RESPONSE["network_features"]["splits"]),


rule prepare_drug_response:
    input:
        responses=path_of(DRUG_RESPONSE["responses"]),
        smiles=path_of(DRUG_RESPONSE["smiles"]),
        expression=path_of(DRUG_RESPONSE["expression"]),
        genes=path_of(DRUG_RESPONSE["genes"]),
    output:
        responses="<results>/bench/drug_response/responses.parquet",
        drugs="<results>/bench/drug_response/drugs.parquet",
        expression="<results>/bench/drug_response/expression.h5ad",
        counts="<results>/bench/drug_response/counts.tsv",
    log:
        "<logs>/bench/prepare_drug_response.log",
    benchmark:
        "<benchmarks>/bench/prepare_drug_response.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(20, per_mb=0.2),
    params:
        code=code("bench/prepare_drug_response"),
    message:
        "Preparing the drug screen"
    script:
        "../../scripts/bench/prepare_drug_response.py"


rule prepare_other_screen:
    input:
        source=path_of(DRUG_RESPONSE["other_screen"]),
        smiles=path_of(DRUG_RESPONSE["smiles"]),
        drugs="<results>/bench/drug_response/drugs.parquet",
        expression="<results>/bench/drug_response/expression.h5ad",
    output:
        "<results>/bench/drug_response/source.parquet",
    log:
        "<logs>/bench/prepare_other_screen.log",
    benchmark:
        "<benchmarks>/bench/prepare_other_screen.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(20, per_mb=0.2),
    params:
        code=code("bench/prepare_other_screen"),
    message:
        "Preparing the drug screen to train on"
    script:
        "../../scripts/bench/prepare_other_screen.py"


rule match_tissues:
    input:
        annotations=path_of(DRUG_RESPONSE["annotations"]),
        expression="<results>/bench/drug_response/expression.h5ad",
    output:
        "<results>/bench/drug_response/tissues.tsv",
    log:
        "<logs>/bench/match_tissues.log",
    benchmark:
        "<benchmarks>/bench/match_tissues.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(10, per_mb=0.2),
    params:
        code=code("bench/match_tissues"),
    message:
        "Finding the tissues of cell lines"
    script:
        "../../scripts/bench/match_tissues.py"


rule split_drug_response:
    input:
        responses="<results>/bench/drug_response/responses.parquet",
        source=lookup(dpath="{split}", within=OTHER_SCREEN, default=[]),
        tissues=lookup(dpath="{split}", within=TISSUES, default=[]),
    output:
        "<results>/bench/drug_response/split/{split}.parquet",
    log:
        "<logs>/bench/split_drug_response.{split}.log",
    benchmark:
        "<benchmarks>/bench/split_drug_response.{split}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(10, per_mb=0.2),
    params:
        settings=DRUG_RESPONSE["folds"],
        code=code("bench/split_drug_response"),
    message:
        "Splitting the drug screen by {wildcards.split}"
    script:
        "../../scripts/bench/split_drug_response.py"


rule predict_baselines:
    input:
        responses="<results>/bench/drug_response/responses.parquet",
        drugs="<results>/bench/drug_response/drugs.parquet",
        expression="<results>/bench/drug_response/expression.h5ad",
        parts="<results>/bench/drug_response/split/{split}.parquet",
        source=lookup(dpath="{split}", within=OTHER_SCREEN, default=[]),
    output:
        "<results>/bench/drug_response/baselines/{split}.parquet",
    log:
        "<logs>/bench/predict_baselines.{split}.log",
    benchmark:
        "<benchmarks>/bench/predict_baselines.{split}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(30, per_mb=2),
    params:
        settings=DRUG_RESPONSE["baselines"],
        code=code("bench/predict_baselines"),
    message:
        "Predicting drug response by naive baselines, {wildcards.split} left out"
    script:
        "../../scripts/bench/predict_baselines.py"


rule train_expression_reference:
    input:
        responses="<results>/bench/drug_response/responses.parquet",
        drugs="<results>/bench/drug_response/drugs.parquet",
        expression="<results>/bench/drug_response/expression.h5ad",
        parts="<results>/bench/drug_response/split/{split}.parquet",
        source=lookup(dpath="{split}", within=OTHER_SCREEN, default=[]),
    output:
        "<results>/bench/drug_response/expression_reference/{split}.parquet",
    log:
        "<logs>/bench/train_expression_reference.{split}.log",
    benchmark:
        "<benchmarks>/bench/train_expression_reference.{split}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(30, per_mb=2),
    params:
        network=DRUG_RESPONSE["network"],
        seed=DRUG_RESPONSE["seed"],
        code=code("bench/train_expression_reference"),
    message:
        "Training drug response on plain expression, {wildcards.split} left out"
    script:
        "../../scripts/bench/train_expression_reference.py"


rule embed_lines:
    input:
        expression="<results>/bench/drug_response/expression.h5ad",
        weights=expand(
            "<results>/{dataset}/pretrain/{arm}/seed{seed}/model.safetensors",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
        card=expand(
            "<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
        reference=expand(
            "<results>/{dataset}/pretrain/{arm}/seed{seed}/reference.parquet",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
        bundle=lookup(dpath="{arm}", within=BUNDLES),
    output:
        expand(
            "<results>/{dataset}/bench/drug_response/embedding/{arm}/seed{seed}.parquet",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
    log:
        "<logs>/{dataset}/bench/embed_lines.{arm}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/embed_lines.{arm}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=20),
        runtime=growing(60, per_mb=1),
    params:
        settings=DRUG_RESPONSE["embed"],
        mapping=config["embed"]["mapping"],
        code=code("bench/embed_lines", at="arm"),
    message:
        "Embedding cell lines by arm {wildcards.arm} of {wildcards.dataset}, each of its seeds"
    script:
        "../../scripts/bench/embed_lines.py"


rule train_drug_response:
    input:
        responses="<results>/bench/drug_response/responses.parquet",
        drugs="<results>/bench/drug_response/drugs.parquet",
        expression="<results>/bench/drug_response/expression.h5ad",
        embeddings=expand(
            "<results>/{dataset}/bench/drug_response/embedding/{arm}/seed{seed}.parquet",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
        parts="<results>/bench/drug_response/split/{split}.parquet",
        source=lookup(dpath="{split}", within=OTHER_SCREEN, default=[]),
    output:
        "<results>/{dataset}/bench/drug_response/predictions/{arm}/{split}.parquet",
    log:
        "<logs>/{dataset}/bench/train_drug_response.{arm}.{split}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/train_drug_response.{arm}.{split}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(30, per_mb=2),
    params:
        network=DRUG_RESPONSE["network"],
        seed=DRUG_RESPONSE["seed"],
        code=code("bench/train_drug_response"),
    message:
        "Training drug response on arm {wildcards.arm} of {wildcards.dataset}, {wildcards.split} left out"
    script:
        "../../scripts/bench/train_drug_response.py"


rule score_drug_response:
    input:
        models=expand(
            "<results>/{dataset}/bench/drug_response/predictions/{arm}/{split}.parquet",
            arm=[arm for arm, graph in ARMS.items() if graph in DATA_GRAPHS],
            split=SPLITS,
            allow_missing=True,
        ),
        controls=expand(
            "<results>/{dataset}/bench/drug_response/predictions/{arm}/{split}.parquet",
            arm=[arm for arm, graph in ARMS.items() if graph not in DATA_GRAPHS],
            split=SPLITS,
            allow_missing=True,
        ),
        baselines=expand(
            "<results>/bench/drug_response/baselines/{split}.parquet",
            split=SPLITS,
        ),
        reference=expand(
            "<results>/bench/drug_response/expression_reference/{split}.parquet",
            split=SPLITS,
        ),
        cards=expand(
            "<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
            arm=ARMS,
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
    output:
        scores="<results>/{dataset}/bench/drug_response/scores.tsv",
        summary="<results>/{dataset}/bench/drug_response/summary.tsv",
    log:
        "<logs>/{dataset}/bench/score_drug_response.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/score_drug_response.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=10),
        runtime=growing(30, per_mb=1),
    params:
        n_resamples=config["bench"]["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/score_drug_response"),
    message:
        "Scoring drug response of {wildcards.dataset}"
    script:
        "../../scripts/bench/score_drug_response.py"


rule score_network_features:
    input:
        responses="<results>/bench/drug_response/responses.parquet",
        expression="<results>/bench/drug_response/expression.h5ad",
        parts=expand(
            "<results>/bench/drug_response/split/{split}.parquet",
            split=DRUG_RESPONSE["network_features"]["splits"],
        ),
        prior=setting_path("grn.cistromes.prior.table"),
        eregulons="<results>/{dataset}/grn/eregulons.parquet",
    output:
        scores="<results>/{dataset}/bench/network_features/scores.tsv",
        summary="<results>/{dataset}/bench/network_features/summary.tsv",
    log:
        "<logs>/{dataset}/bench/score_network_features.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/score_network_features.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(30, per_mb=1),
    params:
        settings={
            key: value
            for key, value in DRUG_RESPONSE["network_features"].items()
            if key != "splits"
        },
        n_resamples=config["bench"]["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/score_network_features"),
    message:
        "Scoring networks of {wildcards.dataset} as features for drug response"
    script:
        "../../scripts/bench/score_network_features.py"
