# Stage prep: from the sample sheet to one checked, filtered and annotated multiome per dataset.
# Samples given as fragments will enter here too: a rule that writes the same prep/samples/{sample}.h5mu.


localrules:
    prep,


rule prep:
    input:
        expand(
            "results/{dataset}/prep/{product}",
            dataset=DATASETS,
            product=[
                "multiome.h5mu",
                "markers.tsv",
                "dropped.tsv",
                "qc.tsv",
                "summary.json",
            ],
        ),


rule prepare_tss:
    input:
        tss=tss_of,
    output:
        tss="results/{dataset}/prep/tss.parquet",
    log:
        "results/{dataset}/log/prep/prepare_tss.log",
    benchmark:
        "results/{dataset}/benchmark/prep/prepare_tss.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("prep/prepare_tss"),
    message:
        "Reading transcription start sites for {wildcards.dataset}"
    script:
        "../scripts/prep/prepare_tss.py"


rule ingest_sample:
    input:
        unpack(sample_files),
        tss="results/{dataset}/prep/tss.parquet",
    output:
        counts="results/{dataset}/prep/samples/{sample}.h5mu",
        dropped="results/{dataset}/prep/samples/{sample}.dropped.tsv",
    log:
        "results/{dataset}/log/prep/ingest_sample.{sample}.log",
    benchmark:
        "results/{dataset}/benchmark/prep/ingest_sample.{sample}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        row=located_row,
        settings=setting(
            "prep",
            "min_known_genes",
            "min_barcode_overlap",
            "min_annotated",
            "build",
        ),
        code=code("prep/ingest_sample"),
    message:
        "Reading and pairing sample {wildcards.sample} of {wildcards.dataset}"
    script:
        "../scripts/prep/ingest_sample.py"


rule filter_multiome:
    input:
        counts=of_samples("results/{dataset}/prep/samples/{sample}.h5mu"),
        dropped=of_samples("results/{dataset}/prep/samples/{sample}.dropped.tsv"),
        tss="results/{dataset}/prep/tss.parquet",
    output:
        counts="results/{dataset}/prep/filtered.h5mu",
        dropped="results/{dataset}/prep/dropped.tsv",
        qc="results/{dataset}/prep/qc.tsv",
    log:
        "results/{dataset}/log/prep/filter_multiome.log",
    benchmark:
        "results/{dataset}/benchmark/prep/filter_multiome.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        seed=setting("prep.seed"),
        min_shared_features=setting("prep.min_shared_features"),
        settings=setting("prep", "cells", "doublets", "genes", "regions"),
        code=code("prep/filter_multiome"),
    message:
        "Filtering cells, genes and regions of {wildcards.dataset}"
    script:
        "../scripts/prep/filter_multiome.py"


rule annotate_cells:
    input:
        counts="results/{dataset}/prep/filtered.h5mu",
        dropped="results/{dataset}/prep/dropped.tsv",
        qc="results/{dataset}/prep/qc.tsv",
    output:
        multiome="results/{dataset}/prep/multiome.h5mu",
        markers="results/{dataset}/prep/markers.tsv",
        summary="results/{dataset}/prep/summary.json",
    log:
        "results/{dataset}/log/prep/annotate_cells.log",
    benchmark:
        "results/{dataset}/benchmark/prep/annotate_cells.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        seed=setting("prep.seed"),
        settings=setting("prep.embedding"),
        n_per_type=setting("prep.markers.n_per_type"),
        code=code("prep/annotate_cells"),
    message:
        "Embedding {wildcards.dataset} and naming its cell types"
    script:
        "../scripts/prep/annotate_cells.py"
