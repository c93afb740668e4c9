# a network that the user gives (grn.given), in the place of an inferred one
REPORTED["given_network"] = expand(
    "<results>/{dataset}/grn/given_network.json", dataset=GIVEN
)


rule take_given_network:
    input:
        multiome=NETWORK_CELLS,
        network=setting_path("grn.given"),
    output:
        eregulons="<results>/{dataset}/grn/eregulons.parquet",
        funnel="<results>/{dataset}/grn/funnel.tsv",
        grns=directory("<results>/{dataset}/grn/cell_type"),
        summary="<results>/{dataset}/grn/cell_type_summary.tsv",
        about="<results>/{dataset}/grn/given_network.json",
    log:
        "<logs>/{dataset}/grn/take_given_network.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/take_given_network.tsv"
    wildcard_constraints:
        dataset=one_of(GIVEN),
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=60),
        runtime=growing(20, per_mb=0.5),
    params:
        min_targets=setting("grn.eregulons", "min_targets"),
        code=code("grn/take_given_network"),
    message:
        "Taking the given network of {wildcards.dataset}"
    script:
        "../../scripts/grn/take_given_network.py"
