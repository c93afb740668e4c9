# conditions of the sample sheet, compared with donors as replicates; off without the column
CONDITIONS = {}  # dataset -> sample -> its condition
for row in SAMPLES.to_dict("records"):
    if row["condition"]:
        CONDITIONS.setdefault(row["dataset"], {})[row["sample"]] = row["condition"]
COMPARED = {
    "condition_eregulons": "conditions.tsv",
    "condition_edges": "condition_edges.parquet",
    "condition_summary": "condition_summary.tsv",
}
REPORTED |= {
    name: expand(f"<results>/{{dataset}}/grn/{file}", dataset=sorted(CONDITIONS))
    for name, file in COMPARED.items()
}


rule compare_conditions:
    input:
        multiome="<results>/{dataset}/prep/multiome.h5mu",
        activity="<results>/{dataset}/grn/cell_activity.h5ad",
        cell_type="<results>/{dataset}/grn/cell_type",
    output:
        eregulons="<results>/{dataset}/grn/conditions.tsv",
        edges="<results>/{dataset}/grn/condition_edges.parquet",
        summary="<results>/{dataset}/grn/condition_summary.tsv",
    log:
        "<logs>/{dataset}/grn/compare_conditions.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/compare_conditions.tsv"
    wildcard_constraints:
        dataset=one_of(CONDITIONS),
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000, per_mb=60),
        runtime=growing(30, per_mb=1),
    params:
        conditions=lookup(dpath="{dataset}", within=CONDITIONS),
        settings=setting("grn.conditions"),
        seed=setting("grn.seed"),
        code=code("grn/compare_conditions"),
    message:
        "Comparing the conditions of {wildcards.dataset}"
    script:
        "../../scripts/grn/compare_conditions.py"
