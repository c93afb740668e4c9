# Stage prep: from the sample sheet to one checked, filtered and annotated multiome per dataset.
# Samples given as fragments are counted first, in peaks called on all of the dataset's samples.


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


rule scan_fragments:
    input:
        unpack(fragments_of),
        tss="results/{dataset}/prep/tss.parquet",
        sizes=of_genome("prep.fragments.chromosome_sizes"),
    output:
        barcodes="results/{dataset}/prep/fragments/{sample}/barcodes.parquet",
        chromosomes="results/{dataset}/prep/fragments/{sample}/chromosomes.tsv",
    log:
        "results/{dataset}/log/prep/scan_fragments.{sample}.log",
    benchmark:
        "results/{dataset}/benchmark/prep/scan_fragments.{sample}.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        row=located_row,
        code=code("prep/scan_fragments"),
    message:
        "Scanning the fragments of sample {wildcards.sample} of {wildcards.dataset}"
    script:
        "../scripts/prep/scan_fragments.py"


rule import_fragments:
    input:
        unpack(fragments_of),
        rna=rna_of,
        barcodes="results/{dataset}/prep/fragments/{sample}/barcodes.parquet",
        chromosomes=of_samples(
            "results/{dataset}/prep/fragments/{sample}/chromosomes.tsv"
        ),
        tss="results/{dataset}/prep/tss.parquet",
        sizes=of_genome("prep.fragments.chromosome_sizes"),
    output:
        fragments="results/{dataset}/prep/fragments/{sample}/fragments.h5ad",
        barcodes="results/{dataset}/prep/fragments/{sample}/judged.tsv",
    log:
        "results/{dataset}/log/prep/import_fragments.{sample}.log",
    benchmark:
        "results/{dataset}/benchmark/prep/import_fragments.{sample}.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        row=located_row,
        settings=setting("prep", "fragments", "min_known_genes", "min_barcode_overlap"),
        code=code("prep/import_fragments"),
    message:
        "Judging the barcodes of sample {wildcards.sample} of {wildcards.dataset}"
    script:
        "../scripts/prep/import_fragments.py"


rule group_cells:
    input:
        rna=rna_files_of,
        barcodes=of_samples("results/{dataset}/prep/fragments/{sample}/judged.tsv"),
        tss="results/{dataset}/prep/tss.parquet",
    output:
        pseudobulks="results/{dataset}/prep/pseudobulks.tsv",
    log:
        "results/{dataset}/log/prep/group_cells.log",
    benchmark:
        "results/{dataset}/benchmark/prep/group_cells.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        rows=located_rows,
        fragments=setting("prep.fragments", "without_annotation", "min_cells_per_group"),
        settings=setting(
            "prep", "seed", "embedding", "min_known_genes", "min_annotated"
        ),
        code=code("prep/group_cells"),
    message:
        "Forming pseudobulks of {wildcards.dataset}"
    script:
        "../scripts/prep/group_cells.py"


rule call_peaks:
    input:
        fragments=of_samples("results/{dataset}/prep/fragments/{sample}/fragments.h5ad"),
        chromosomes=of_samples(
            "results/{dataset}/prep/fragments/{sample}/chromosomes.tsv"
        ),
        pseudobulks="results/{dataset}/prep/pseudobulks.tsv",
        tss="results/{dataset}/prep/tss.parquet",
        sizes=of_genome("prep.fragments.chromosome_sizes"),
        blacklist=of_genome("prep.fragments.blacklists"),
    output:
        peaks="results/{dataset}/prep/consensus_peaks.tsv",
    log:
        "results/{dataset}/log/prep/call_peaks.log",
    benchmark:
        "results/{dataset}/benchmark/prep/call_peaks.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        rows=located_rows,
        settings=setting(
            "prep.fragments", "q_value", "tag_shift", "tag_length", "half_width"
        ),
        code=code("prep/call_peaks"),
    message:
        "Calling peaks on the pseudobulks of {wildcards.dataset}"
    script:
        "../scripts/prep/call_peaks.py"


rule count_fragments:
    input:
        fragments="results/{dataset}/prep/fragments/{sample}/fragments.h5ad",
        barcodes="results/{dataset}/prep/fragments/{sample}/judged.tsv",
        peaks="results/{dataset}/prep/consensus_peaks.tsv",
    output:
        counts="results/{dataset}/prep/fragments/{sample}/counts.h5ad",
        barcodes="results/{dataset}/prep/fragments/{sample}/qc.tsv",
    log:
        "results/{dataset}/log/prep/count_fragments.{sample}.log",
    benchmark:
        "results/{dataset}/benchmark/prep/count_fragments.{sample}.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        settings=setting("prep.fragments", "counting", "min_frip"),
        code=code("prep/count_fragments"),
    message:
        "Counting the fragments of sample {wildcards.sample} of {wildcards.dataset}"
    script:
        "../scripts/prep/count_fragments.py"


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
