# Topics: patterns of co-accessible regions (LDA), and the region sets drawn from them.
# Networks that the user gives (grn.given) need none, RNA alone has none.

GIVEN = [name for name in DATASETS if CONFIGS[name]["grn"]["given"] is not None]
INFERRED = [name for name in DATASETS if name not in GIVEN]
WITH_TOPICS = [name for name in PAIRED if name not in GIVEN]
REPORTED |= {
    "topic_selection": expand(
        "<results>/{dataset}/topics/model_selection.tsv", dataset=WITH_TOPICS
    ),
    "cell_topic": expand(
        "<results>/{dataset}/topics/cell_topic.parquet", dataset=WITH_TOPICS
    ),
    "region_sets": expand(
        "<results>/{dataset}/topics/region_sets.parquet", dataset=WITH_TOPICS
    ),
}


rule topics:
    input:
        expand("<results>/{dataset}/topics/region_sets.parquet", dataset=WITH_TOPICS),
        expand("<results>/{dataset}/topics/model_selection.tsv", dataset=WITH_TOPICS),
        f"<results>/{REPORT}/topics/index.html",
    localrule: True


rule run_pycistopic:
    input:
        multiome=UNNAMED_CELLS,
    output:
        cell_topic="<results>/{dataset}/topics/originals/{n_topics}/cell_topic.parquet",
        region_topic="<results>/{dataset}/topics/originals/{n_topics}/region_topic.parquet",
        partial_cell_topic="<results>/{dataset}/topics/originals/{n_topics}/partial_cell_topic.parquet",
        partial_region_topic="<results>/{dataset}/topics/originals/{n_topics}/partial_region_topic.parquet",
    log:
        "<logs>/{dataset}/topics/run_pycistopic.{n_topics}.log",
    benchmark:
        "<benchmarks>/{dataset}/topics/run_pycistopic.{n_topics}.tsv"
    wildcard_constraints:
        n_topics=r"\d+",
    conda:
        "../../envs/pycistopic.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000, per_mb=100),
        runtime=growing(240, per_mb=12),
    params:
        **original("run_pycistopic", "pycistopic"),
        settings=as_json(method_setting("topics", "min_cells", "evaluation")),
        seed=setting("topics.seed"),
    message:
        "Fitting {wildcards.n_topics} topics to {wildcards.dataset} by pycisTopic"
    shell:
        "{params.python:q} {params.program:q} --multiome {input.multiome:q} --topics {wildcards.n_topics}"
        " --settings {params.settings:q} --seed {params.seed} --cell-topic {output.cell_topic:q}"
        " --region-topic {output.region_topic:q} --partial-cell-topic {output.partial_cell_topic:q}"
        " --partial-region-topic {output.partial_region_topic:q} --log {log:q}"


rule fit_topics:
    input:
        multiome=UNNAMED_CELLS,
        original=by_original(
            "topics",
            "<results>/{dataset}/topics/originals/{n_topics}/cell_topic.parquet",
            "<results>/{dataset}/topics/originals/{n_topics}/region_topic.parquet",
            "<results>/{dataset}/topics/originals/{n_topics}/partial_cell_topic.parquet",
            "<results>/{dataset}/topics/originals/{n_topics}/partial_region_topic.parquet",
        ),
    output:
        cell_topic="<results>/{dataset}/topics/models/{n_topics}/cell_topic.parquet",
        region_topic="<results>/{dataset}/topics/models/{n_topics}/region_topic.parquet",
        scores="<results>/{dataset}/topics/models/{n_topics}/scores.tsv",
    log:
        "<logs>/{dataset}/topics/fit_topics.{n_topics}.log",
    benchmark:
        "<benchmarks>/{dataset}/topics/fit_topics.{n_topics}.tsv"
    wildcard_constraints:
        n_topics=r"\d+",
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=10),
        runtime=growing(30, per_mb=0.5),
    params:
        settings=method_setting(
            "topics", "seed", "min_cells", "max_tokens", "evaluation"
        ),
        code=code("topics/fit_topics", at="topics.method"),
    message:
        "Fitting {wildcards.n_topics} topics to {wildcards.dataset}"
    script:
        "../scripts/topics/fit_topics.py"


rule select_topics:
    input:
        cell_topic=expand(
            "<results>/{dataset}/topics/models/{n_topics}/cell_topic.parquet",
            n_topics=setting("topics.n_topics"),
            allow_missing=True,
        ),
        region_topic=expand(
            "<results>/{dataset}/topics/models/{n_topics}/region_topic.parquet",
            n_topics=setting("topics.n_topics"),
            allow_missing=True,
        ),
        scores=expand(
            "<results>/{dataset}/topics/models/{n_topics}/scores.tsv",
            n_topics=setting("topics.n_topics"),
            allow_missing=True,
        ),
    output:
        cell_topic="<results>/{dataset}/topics/cell_topic.parquet",
        region_topic="<results>/{dataset}/topics/region_topic.parquet",
        selection="<results>/{dataset}/topics/model_selection.tsv",
    log:
        "<logs>/{dataset}/topics/select_topics.log",
    benchmark:
        "<benchmarks>/{dataset}/topics/select_topics.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(15, per_mb=0.02),
    params:
        selected=setting("topics.selected"),
        selection=setting("topics.selection"),
        code=code("topics/select_topics"),
    message:
        "Selecting the topic count of {wildcards.dataset}"
    script:
        "../scripts/topics/select_topics.py"


rule binarize_topics:
    input:
        multiome=NETWORK_CELLS,
        cell_topic="<results>/{dataset}/topics/cell_topic.parquet",
        region_topic="<results>/{dataset}/topics/region_topic.parquet",
    output:
        region_sets="<results>/{dataset}/topics/region_sets.parquet",
    log:
        "<logs>/{dataset}/topics/binarize_topics.log",
    benchmark:
        "<benchmarks>/{dataset}/topics/binarize_topics.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=4),
        runtime=growing(20, per_mb=0.1),
    params:
        region_sets=setting("topics.region_sets"),
        dar=setting("topics.dar"),
        code=code("topics/binarize_topics"),
    message:
        "Drawing region sets of {wildcards.dataset}"
    script:
        "../scripts/topics/binarize_topics.py"
