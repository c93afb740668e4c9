# Link accuracy: region-gene links against CRISPRi of the cell type's line.
CRISPR_LINES = {}  # dataset -> cell type -> its line
for row in config["bench"]["link_accuracy"]["lines"]:
    if row["dataset"] in DATASETS:
        CRISPR_LINES.setdefault(row["dataset"], {})[row["cell_type"]] = row["line"]
BENCHED |= {
    name: expand(
        f"<results>/{{dataset}}/bench/link_accuracy/{table}.tsv",
        dataset=sorted(CRISPR_LINES),
    )
    for name, table in {
        "link_accuracy_scores": "scores",
        "link_accuracy_summary": "summary",
        "link_coverage": "coverage",
    }.items()
}


rule score_link_accuracy:
    input:
        multiome=NETWORK_CELLS,
        links="<results>/{dataset}/grn/region_gene.parquet",
        eregulons="<results>/{dataset}/grn/eregulons.parquet",
        pairs=path_of(config["bench"]["link_accuracy"]["pairs"]),
    output:
        scores="<results>/{dataset}/bench/link_accuracy/scores.tsv",
        summary="<results>/{dataset}/bench/link_accuracy/summary.tsv",
        coverage="<results>/{dataset}/bench/link_accuracy/coverage.tsv",
    log:
        "<logs>/{dataset}/bench/score_link_accuracy.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/score_link_accuracy.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=30),
        runtime=growing(20, per_mb=0.2),
    params:
        lines=lookup(dpath="{dataset}", within=CRISPR_LINES),
        least_distance=config["bench"]["link_accuracy"]["least_distance"],
        n_resamples=config["bench"]["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/score_link_accuracy"),
    message:
        "Scoring region-gene links of {wildcards.dataset} against CRISPRi"
    script:
        "../../scripts/bench/score_link_accuracy.py"
