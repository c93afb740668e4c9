# Single-cell drug response: from the lines of a bulk screen to single cells, whose responses no model has seen.
from grnformer.bench.sc_drug.entries import is_embeddable

SC_DRUG = config["bench"]["sc_drug"]
SC_LINES = SC_DRUG["lines"] if SPLITS else []  # they are of the screen of drug_response
SC_TRAINED = TRAINED if SC_LINES else []  # whose models are scored
BENCHED |= {
    f"sc_drug_lines_{table}": expand(
        f"<results>/{{dataset}}/bench/sc_drug/{table}.tsv", dataset=SC_TRAINED
    )
    for table in ("scores", "summary")
}
REPORTED["sc_drug_choices"] = expand(
    "<results>/{dataset}/bench/sc_drug/choices.tsv", dataset=SC_TRAINED
)

LABELLED = {entry["name"]: entry for entry in SC_DRUG["labelled"]}
LABELLED_FILES = {
    name: {
        key: path_of(entry[key]) for key in ("cells", "labels", "gene_ids", "screen")
    }
    for name, entry in LABELLED.items()
}
# sets that models can read, and the models that read them; their embeddings, of lines and of cells
EMBEDDED = [name for name, entry in LABELLED.items() if is_embeddable(entry)]
LABELLED_MODELS = [SC_DRUG["models"]] if SC_DRUG["models"] else []
LABELLED_ARM = "<results>/{dataset}/bench/sc_drug/labels/{labelled}/{arm}/seed{seed}"
BENCHED |= {
    f"sc_drug_labels_{table}": (
        f"<results>/bench/sc_drug/labels/{table}.tsv" if LABELLED else []
    )
    for table in ("scores", "summary")
}


wildcard_constraints:
    labelled=one_of(LABELLED),


rule prepare_sc_drug_lines:
    input:
        cells=[path_of(entry["cells"]) for entry in SC_LINES],
        labels=[path_of(entry["labels"]) for entry in SC_LINES],
        gene_ids=[path_of(entry["gene_ids"]) for entry in SC_LINES],
        expression="<results>/bench/drug_response/expression.h5ad",
    output:
        "<results>/bench/sc_drug/cells.h5ad",
    log:
        "<logs>/bench/prepare_sc_drug_lines.log",
    benchmark:
        "<benchmarks>/bench/prepare_sc_drug_lines.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=30),
        runtime=growing(20, per_mb=0.2),
    params:
        lines=SC_LINES,
        samples=SC_DRUG["samples"],
        code=code("bench/prepare_sc_drug_lines"),
    message:
        "Reading single cells of lines of the drug screen"
    script:
        "../../scripts/bench/prepare_sc_drug_lines.py"


rule predict_sc_drug_lines:
    input:
        cells="<results>/bench/sc_drug/cells.h5ad",
        responses="<results>/bench/drug_response/responses.parquet",
        expression="<results>/bench/drug_response/expression.h5ad",
    output:
        scores="<results>/bench/sc_drug/scores.parquet",
        choices="<results>/bench/sc_drug/choices.tsv",
    log:
        "<logs>/bench/predict_sc_drug_lines.log",
    benchmark:
        "<benchmarks>/bench/predict_sc_drug_lines.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(30, per_mb=1),
    params:
        aliases=SC_DRUG["aliases"],
        subsets=SC_DRUG["subsets"],
        samples=SC_DRUG["samples"],
        methods=SC_DRUG["methods"],
        scoring=SC_DRUG["scoring"],
        code=code("bench/predict_sc_drug_lines"),
    message:
        "Predicting drug response of single cells from expression of bulk lines"
    script:
        "../../scripts/bench/predict_sc_drug_lines.py"


rule embed_sc_drug_cells:
    input:
        cells="<results>/bench/sc_drug/cells.h5ad",
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
            "<results>/{dataset}/bench/sc_drug/embedding/{arm}/seed{seed}.parquet",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
    log:
        "<logs>/{dataset}/bench/embed_sc_drug_cells.{arm}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/embed_sc_drug_cells.{arm}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=20),
        runtime=growing(60, per_mb=1),
    params:
        settings=SC_DRUG["embed"],
        mapping=config["embed"]["mapping"],
        code=code("bench/embed_sc_drug_cells", at="arm"),
    message:
        "Embedding single cells of lines by arm {wildcards.arm} of {wildcards.dataset}, each of its seeds"
    script:
        "../../scripts/bench/embed_sc_drug_cells.py"


rule predict_sc_drug_arm:
    input:
        cells="<results>/bench/sc_drug/cells.h5ad",
        responses="<results>/bench/drug_response/responses.parquet",
        of_lines=expand(
            "<results>/{dataset}/bench/drug_response/embedding/{arm}/seed{seed}.parquet",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
        of_cells=expand(
            "<results>/{dataset}/bench/sc_drug/embedding/{arm}/seed{seed}.parquet",
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
    output:
        scores="<results>/{dataset}/bench/sc_drug/arms/{arm}.parquet",
        choices="<results>/{dataset}/bench/sc_drug/arms/{arm}.tsv",
    log:
        "<logs>/{dataset}/bench/predict_sc_drug_arm.{arm}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/predict_sc_drug_arm.{arm}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(30, per_mb=1),
    params:
        aliases=SC_DRUG["aliases"],
        subsets=SC_DRUG["subsets"],
        samples=SC_DRUG["samples"],
        methods=SC_DRUG["methods"],
        scoring=SC_DRUG["scoring"],
        code=code("bench/predict_sc_drug_arm"),
    message:
        "Predicting drug response of single cells from embeddings of arm {wildcards.arm} of {wildcards.dataset}"
    script:
        "../../scripts/bench/predict_sc_drug_arm.py"


rule score_sc_drug_lines:
    input:
        models=expand(
            "<results>/{dataset}/bench/sc_drug/arms/{arm}.parquet",
            arm=[arm for arm, graph in ARMS.items() if graph in DATA_GRAPHS],
            allow_missing=True,
        ),
        controls=expand(
            "<results>/{dataset}/bench/sc_drug/arms/{arm}.parquet",
            arm=[arm for arm, graph in ARMS.items() if graph not in DATA_GRAPHS],
            allow_missing=True,
        ),
        expression="<results>/bench/sc_drug/scores.parquet",
        choices=expand(
            "<results>/{dataset}/bench/sc_drug/arms/{arm}.tsv",
            arm=ARMS,
            allow_missing=True,
        ),
        expression_choices="<results>/bench/sc_drug/choices.tsv",
        cards=expand(
            "<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
            arm=ARMS,
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
    output:
        scores="<results>/{dataset}/bench/sc_drug/scores.tsv",
        summary="<results>/{dataset}/bench/sc_drug/summary.tsv",
        choices="<results>/{dataset}/bench/sc_drug/choices.tsv",
    log:
        "<logs>/{dataset}/bench/score_sc_drug_lines.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/score_sc_drug_lines.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(20, per_mb=1),
    params:
        n_resamples=config["bench"]["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/score_sc_drug_lines"),
    message:
        "Scoring drug response of single cells by models of {wildcards.dataset}"
    script:
        "../../scripts/bench/score_sc_drug_lines.py"


rule prepare_sc_drug_labels:
    input:
        cells=lookup(dpath="{labelled}/cells", within=LABELLED_FILES),
        labels=lookup(dpath="{labelled}/labels", within=LABELLED_FILES),
        gene_ids=lookup(dpath="{labelled}/gene_ids", within=LABELLED_FILES),
    output:
        cells="<results>/bench/sc_drug/labels/{labelled}/cells.h5ad",
        labels="<results>/bench/sc_drug/labels/{labelled}/labels.tsv",
    log:
        "<logs>/bench/prepare_sc_drug_labels.{labelled}.log",
    benchmark:
        "<benchmarks>/bench/prepare_sc_drug_labels.{labelled}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=30),
        runtime=growing(20, per_mb=0.2),
    params:
        entry=lookup(dpath="{labelled}", within=LABELLED),
        code=code("bench/prepare_sc_drug_labels"),
    message:
        "Reading single cells with labels of response: {wildcards.labelled}"
    script:
        "../../scripts/bench/prepare_sc_drug_labels.py"


rule predict_sc_drug_labels:
    input:
        cells="<results>/bench/sc_drug/labels/{labelled}/cells.h5ad",
        screen=lookup(dpath="{labelled}/screen", within=LABELLED_FILES),
        expression=path_of(DRUG_RESPONSE["expression"]),
        genes=path_of(DRUG_RESPONSE["genes"]),
    output:
        predictions="<results>/bench/sc_drug/labels/{labelled}/predictions.parquet",
        choices="<results>/bench/sc_drug/labels/{labelled}/choices.tsv",
    log:
        "<logs>/bench/predict_sc_drug_labels.{labelled}.log",
    benchmark:
        "<benchmarks>/bench/predict_sc_drug_labels.{labelled}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(30, per_mb=1),
    params:
        entry=lookup(dpath="{labelled}", within=LABELLED),
        methods=SC_DRUG["methods"],
        scoring=SC_DRUG["scoring"],
        code=code("bench/predict_sc_drug_labels"),
    message:
        "Predicting the response of single cells: {wildcards.labelled}"
    script:
        "../../scripts/bench/predict_sc_drug_labels.py"


rule embed_sc_drug_labels:
    input:
        cells="<results>/bench/sc_drug/labels/{labelled}/cells.h5ad",
        screen=lookup(dpath="{labelled}/screen", within=LABELLED_FILES),
        expression=path_of(DRUG_RESPONSE["expression"]),
        genes=path_of(DRUG_RESPONSE["genes"]),
        weights="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.safetensors",
        card="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
        reference="<results>/{dataset}/pretrain/{arm}/seed{seed}/reference.parquet",
        bundle=lookup(dpath="{arm}", within=BUNDLES),
    output:
        lines=f"{LABELLED_ARM}/lines.parquet",
        cells=f"{LABELLED_ARM}/cells.parquet",
    log:
        "<logs>/{dataset}/bench/embed_sc_drug_labels.{labelled}.{arm}.seed{seed}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/embed_sc_drug_labels.{labelled}.{arm}.seed{seed}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=20),
        runtime=growing(60, per_mb=1),
    params:
        entry=lookup(dpath="{labelled}", within=LABELLED),
        settings=SC_DRUG["embed"],
        mapping=config["embed"]["mapping"],
        # not read: arms of other backbones differ in code
        arm=lookup(dpath="pretrain/arms/{arm}", within=config),
        code=code("bench/embed_sc_drug_labels", at="arm"),
    message:
        "Embedding lines and cells of {wildcards.labelled} by arm {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../../scripts/bench/embed_sc_drug_labels.py"


rule predict_sc_drug_embedded:
    input:
        screen=lookup(dpath="{labelled}/screen", within=LABELLED_FILES),
        expression=path_of(DRUG_RESPONSE["expression"]),
        genes=path_of(DRUG_RESPONSE["genes"]),
        lines=expand(
            f"{LABELLED_ARM}/lines.parquet",
            arm=ARMS,
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
        cells=expand(
            f"{LABELLED_ARM}/cells.parquet",
            arm=ARMS,
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
    output:
        predictions="<results>/{dataset}/bench/sc_drug/labels/{labelled}/predictions.parquet",
        choices="<results>/{dataset}/bench/sc_drug/labels/{labelled}/choices.tsv",
    log:
        "<logs>/{dataset}/bench/predict_sc_drug_embedded.{labelled}.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/predict_sc_drug_embedded.{labelled}.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(30, per_mb=1),
    params:
        entry=lookup(dpath="{labelled}", within=LABELLED),
        models=[
            f"{arm}: {seed}" for arm in ARMS for seed in config["pretrain"]["seeds"]
        ],
        methods=SC_DRUG["methods"],
        code=code("bench/predict_sc_drug_embedded"),
    message:
        "Predicting the response of single cells from embeddings: {wildcards.labelled}"
    script:
        "../../scripts/bench/predict_sc_drug_embedded.py"


rule score_sc_drug_labels:
    input:
        predictions=expand(
            "<results>/bench/sc_drug/labels/{labelled}/predictions.parquet",
            labelled=LABELLED or "none",  # then nothing asks for it
        ),
        labels=expand(
            "<results>/bench/sc_drug/labels/{labelled}/labels.tsv",
            labelled=LABELLED or "none",
        ),
        embedded=expand(
            "<results>/{dataset}/bench/sc_drug/labels/{labelled}/predictions.parquet",
            dataset=LABELLED_MODELS,
            labelled=EMBEDDED,
        ),
    output:
        scores="<results>/bench/sc_drug/labels/scores.tsv",
        summary="<results>/bench/sc_drug/labels/summary.tsv",
    log:
        "<logs>/bench/score_sc_drug_labels.log",
    benchmark:
        "<benchmarks>/bench/score_sc_drug_labels.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(20, per_mb=1),
    params:
        entries=SC_DRUG["labelled"],
        arms={
            arm: "model" if graph in DATA_GRAPHS else "control"
            for arm, graph in ARMS.items()
            if LABELLED_MODELS
        },
        scoring=SC_DRUG["scoring"],
        n_resamples=config["bench"]["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/score_sc_drug_labels"),
    message:
        "Scoring the response of single cells with labels"
    script:
        "../../scripts/bench/score_sc_drug_labels.py"
