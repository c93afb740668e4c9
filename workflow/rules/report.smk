# report: one self-contained page, and the same numbers as tables. What it reads, each stage puts into REPORTED.
from grnformer.core.fingerprint import git_commit
from grnformer.workflow.lookups import on_demand
from grnformer.workflow.stages import WITH_PAGES, page_files


report: "../report/workflow.rst"


OTHER_RUNS = config["report"]["runs"]
PAGES = {stage: page_files(REPORTED, stage) for stage in WITH_PAGES}


rule report:
    input:
        f"<results>/{REPORT}/index.html",
        f"<results>/{REPORT}/tables",
        f"<results>/{REPORT}/metrics.tsv",
        f"<results>/{REPORT}/joined/index.html" if OTHER_RUNS else [],
    localrule: True


rule collect_costs:
    input:
        **REPORTED,
    output:
        f"<results>/{REPORT}/costs.tsv",
    log:
        f"<logs>/{REPORT}/collect_costs.log",
    benchmark:
        f"<benchmarks>/{REPORT}/collect_costs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        folder=str(Path(rules.fetch_resource.benchmark).parents[1]),
        logs=str(Path(rules.fetch_resource.log[0]).parents[1]),
        names=[*DATASETS, *TRAINED_CORPORA],
        code=code("report/collect_costs"),
    message:
        "Collecting time and memory of all jobs"
    script:
        "../scripts/report/collect_costs.py"


rule render_report:
    input:
        **REPORTED,
        template=str(CHECKOUT / "workflow" / "report" / "page.html"),
        costs=f"<results>/{REPORT}/costs.tsv",
    output:
        page=report(
            f"<results>/{REPORT}/index.html",
            caption="../report/page.rst",
            category="Report",
            labels={"what": "the whole report"},
        ),
        tables=report(
            directory(f"<results>/{REPORT}/tables"),
            patterns=["{table}.tsv"],
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
    log:
        f"<logs>/{REPORT}/render_report.log",
    benchmark:
        f"<benchmarks>/{REPORT}/render_report.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(15, per_mb=0.1),
    params:
        config=config,
        configs=CONFIGS,
        corpora=TRAINED_CORPORA,
        registry=RESOURCES,
        samples=SAMPLES.to_dict("records"),
        commit=on_demand(git_commit, CHECKOUT),
        code=code("report/render_report"),
    message:
        "Rendering the report"
    script:
        "../scripts/report/render_report.py"


rule render_stage:
    input:
        unpack(lookup(dpath="{stage}", within=PAGES)),
        template=str(CHECKOUT / "workflow" / "report" / "page.html"),
    output:
        page=f"<results>/{REPORT}/{{stage}}/index.html",
        tables=directory(f"<results>/{REPORT}/{{stage}}/tables"),
    log:
        f"<logs>/{REPORT}/render_stage.{{stage}}.log",
    benchmark:
        f"<benchmarks>/{REPORT}/render_stage.{{stage}}.tsv"
    wildcard_constraints:
        stage=one_of(PAGES),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(15, per_mb=0.1),
    params:
        config=config,
        configs=CONFIGS,
        corpora=TRAINED_CORPORA,
        registry=RESOURCES,
        samples=SAMPLES.to_dict("records"),
        commit=on_demand(git_commit, CHECKOUT),
        stage="{stage}",
        code=code("report/render_stage"),
    message:
        "Rendering the page of what is there after stage {wildcards.stage}"
    script:
        "../scripts/report/render_stage.py"


rule collect_metrics:
    input:
        summaries=[
            files for name, files in BENCHED.items() if name.endswith("_summary")
        ],
        heldout=REPORTED["heldout"],
    output:
        summary=f"<results>/{REPORT}/summary.json",
        metrics=f"<results>/{REPORT}/metrics.tsv",
    log:
        f"<logs>/{REPORT}/collect_metrics.log",
    benchmark:
        f"<benchmarks>/{REPORT}/collect_metrics.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        folder=str(Path(rules.fetch_resource.log[0]).parents[1]),
        config=config,
        commit=on_demand(git_commit, CHECKOUT),
        code=code("report/collect_metrics"),
    message:
        "Collecting the scores of all benchmarks"
    script:
        "../scripts/report/collect_metrics.py"


rule join_runs:
    input:
        own=f"<results>/{REPORT}/summary.json",
        others=[path_of(path) for path in OTHER_RUNS.values()],
        template=str(CHECKOUT / "workflow" / "report" / "page.html"),
    output:
        page=f"<results>/{REPORT}/joined/index.html",
        tables=directory(f"<results>/{REPORT}/joined/tables"),
    log:
        f"<logs>/{REPORT}/join_runs.log",
    benchmark:
        f"<benchmarks>/{REPORT}/join_runs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000, per_mb=20),
        runtime=growing(10),
    params:
        names=list(OTHER_RUNS),
        code=code("report/join_runs"),
    message:
        "Joining this run with {params.names}"
    script:
        "../scripts/report/join_runs.py"
