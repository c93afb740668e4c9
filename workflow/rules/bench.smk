# Benchmarks: every score beside its baselines, its controls and an interval. One file a benchmark adds to BENCHED.
from grnformer.bench.compare import costly_rules

BENCHED = {}  # name of the report's input -> files


include: "bench/grn_accuracy.smk"
include: "bench/drug_response.smk"
include: "bench/perturbation.smk"
include: "bench/perturbation_profiles.smk"
include: "bench/link_accuracy.smk"
include: "bench/sc_drug.smk"
# after all others, whose scores it reads
include: "bench/grid.smk"


# dataset -> jobs of the steps that have more than one method
COSTLY = {dataset: costly_rules(CONFIGS[dataset]["grn"]) for dataset in DATASETS}
for dataset in PARTS:
    COSTLY[dataset] += gather.targets("infer_tf_gene.{scatteritem}")
BENCHED["comparisons"] = [
    f"<results>/bench/compare_networks/{left}/{right}.tsv"
    for left, right in config["bench"]["compare"]
]
REPORTED |= BENCHED


wildcard_constraints:
    left=one_of(DATASETS),
    right=one_of(DATASETS),


rule bench:
    input:
        list(BENCHED.values()),
        f"<results>/{REPORT}/bench/index.html" if any(BENCHED.values()) else [],
    localrule: True


rule compare_networks:
    input:
        left_tf_gene="<results>/{left}/grn/tf_gene.parquet",
        left_eregulons="<results>/{left}/grn/eregulons.parquet",
        left_cell_type="<results>/{left}/grn/cell_type",
        left_cell_type_summary="<results>/{left}/grn/cell_type_summary.tsv",
        left_activity="<results>/{left}/grn/cell_activity.h5ad",
        left_accuracy=branch(
            lookup(dpath="{left}", within=CHIP_LINES, default=[]),
            then="<results>/{left}/bench/grn_accuracy/summary.tsv",
        ),
        left_costs=expand(
            "<benchmarks>/{left}/grn/{job}.tsv",
            job=lookup(dpath="{left}", within=COSTLY),
            allow_missing=True,
        ),
        right_tf_gene="<results>/{right}/grn/tf_gene.parquet",
        right_eregulons="<results>/{right}/grn/eregulons.parquet",
        right_cell_type="<results>/{right}/grn/cell_type",
        right_cell_type_summary="<results>/{right}/grn/cell_type_summary.tsv",
        right_activity="<results>/{right}/grn/cell_activity.h5ad",
        right_accuracy=branch(
            lookup(dpath="{right}", within=CHIP_LINES, default=[]),
            then="<results>/{right}/bench/grn_accuracy/summary.tsv",
        ),
        right_costs=expand(
            "<benchmarks>/{right}/grn/{job}.tsv",
            job=lookup(dpath="{right}", within=COSTLY),
            allow_missing=True,
        ),
    output:
        "<results>/bench/compare_networks/{left}/{right}.tsv",
    log:
        "<logs>/bench/compare_networks.{left}.{right}.log",
    benchmark:
        "<benchmarks>/bench/compare_networks.{left}.{right}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(15, per_mb=0.2),
    params:
        code=code("bench/compare_networks"),
    message:
        "Networks of {wildcards.left} beside those of {wildcards.right}"
    script:
        "../scripts/bench/compare_networks.py"
