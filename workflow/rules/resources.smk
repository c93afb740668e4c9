# Pinned resources: from the mirror folder, PyPI or the web, checked by SHA-256.
# Only here is the network used, on the machine where Snakemake runs: `snakemake fetch` on the login node, before all else.
# What is there is an input like any other: no job deletes it, and the jobs that read it check its SHA-256.
from grnformer.workflow.resources import missing_resources, resources_read


rule fetch_resource:
    output:
        "<resources>/{resource}",
    log:
        "<logs>/resources/fetch_resource.{resource}.log",
    benchmark:
        "<benchmarks>/resources/fetch_resource.{resource}.tsv"
    wildcard_constraints:
        resource=one_of(missing_resources(RESOURCES, workflow)),
    # what cannot be fetched is seen before long work
    priority: 100
    localrule: True
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        sha256=lookup(dpath="{resource}/sha256", within=RESOURCES),
    message:
        "Fetching {wildcards.resource}"
    script:
        "../scripts/resources/fetch_resource.py"


rule fetch:
    input:
        [
            path_of(f"resource:{name}")
            for name in resources_read(CONFIGS, SAMPLES.to_dict("records"))
        ],
    localrule: True
