# Stage prep: from the sample sheet to one checked, filtered and annotated multiome per dataset.
# Samples given as fragments are counted first, in peaks called on all of the dataset's samples.
from grnformer.workflow.samples import (
    files_by_sample,
    gather_files,
    genome_of,
    grouping,
    rows_by_sample,
)
from grnformer.workflow.lookups import SOURCES, only_of

COUNTED = {
    "atac": "<results>/{dataset}/prep/fragments/{sample}/counts.h5ad",
    "barcodes": "<results>/{dataset}/prep/fragments/{sample}/qc.tsv",
}  # in place of a matrix
ROWS = rows_by_sample(SAMPLES, path_of)
FILES = files_by_sample(SAMPLES, files_of, COUNTED)
SOURCES.update({name: gather_files(FILES[name], "rna", "atac") for name in DATASETS})
RNA_FILES = {name: gather_files(FILES[name], "rna", "annotation") for name in DATASETS}
# of RNA without chromatin, for corpora
RNA_MATRICES = {
    name: [path_of(file) for file in rna["matrices"]]
    for name, rna in config["pretrain"]["rna"].items()
}
NAMES = {name: list(ROWS[name]) for name in DATASETS}  # of samples
GENOMES = {name: genome_of(SAMPLES, name) for name in DATASETS}
TSS = {
    name: path_of(config["genomes"][genome]["tss"]) for name, genome in GENOMES.items()
}
# RNA alone has no topics, regions and links
PAIRED = [name for name in DATASETS if name not in rna_alone(SAMPLES)]
with_atac, without_atac = only_of(PAIRED), only_of(rna_alone(SAMPLES))
SIZES = {
    name: path_of(CONFIGS[name]["prep"]["fragments"]["chromosome_sizes"].get(genome))
    for name, genome in GENOMES.items()
}
BLACKLISTS = {
    name: path_of(CONFIGS[name]["prep"]["fragments"]["blacklists"].get(genome))
    for name, genome in GENOMES.items()
}
BARCODE_TABLES = {
    name: path_of(CONFIGS[name]["prep"]["barcode_table"]) for name in DATASETS
}
GROUPING = {name: grouping(CONFIGS[name]["prep"]) for name in DATASETS}
FRAGMENTED = SAMPLES[SAMPLES["fragments"] != ""]
PRODUCTS = {
    "multiome": "multiome.h5mu",
    "qc": "qc.tsv",
    "dropped": "dropped.tsv",
    "markers": "markers.tsv",
    "prep_summary": "summary.json",
}
REPORTED |= {
    name: expand(f"<results>/{{dataset}}/prep/{file}", dataset=DATASETS)
    for name, file in PRODUCTS.items()
}
REPORTED["fragment_qc"] = expand(
    COUNTED["barcodes"],
    zip,
    dataset=FRAGMENTED["dataset"],
    sample=FRAGMENTED["sample"],
)
# the cells that networks are inferred from; TRAINING_CELLS: their file, where these are not all cells
TRAINING_CELLS = (
    ["<results>/{dataset}/prep/training.h5mu"]
    if config["pretrain"]["networks"] == "training_cells"
    else []
)
NETWORK_CELLS = (TRAINING_CELLS or ["<results>/{dataset}/prep/multiome.h5mu"])[0]
# the same cells for what asks no cell type: other names of clusters (prep.names) do not rerun it
UNNAMED_CELLS = (TRAINING_CELLS or ["<results>/{dataset}/prep/filtered.h5mu"])[0]


rule prep:
    input:
        expand(
            "<results>/{dataset}/prep/{product}",
            dataset=DATASETS,
            product=PRODUCTS.values(),
        ),
        f"<results>/{REPORT}/prep/index.html",
    localrule: True


rule prepare_tss:
    input:
        tss=lookup(dpath="{dataset}", within=TSS),
    output:
        tss="<results>/{dataset}/prep/tss.parquet",
    log:
        "<logs>/{dataset}/prep/prepare_tss.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/prepare_tss.tsv"
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
        fragments=lookup(dpath="{dataset}/{sample}/fragments", within=FILES),
        tss="<results>/{dataset}/prep/tss.parquet",
        sizes=lookup(dpath="{dataset}", within=SIZES),
    output:
        barcodes="<results>/{dataset}/prep/fragments/{sample}/barcodes.parquet",
        chromosomes="<results>/{dataset}/prep/fragments/{sample}/chromosomes.tsv",
    log:
        "<logs>/{dataset}/prep/scan_fragments.{sample}.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/scan_fragments.{sample}.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20, per_mb=0.1),
    params:
        code=code("prep/scan_fragments"),
    message:
        "Scanning the fragments of sample {wildcards.sample} of {wildcards.dataset}"
    script:
        "../scripts/prep/scan_fragments.py"


rule import_fragments:
    input:
        rna=lookup(dpath="{dataset}/{sample}/rna", within=FILES),
        fragments=lookup(dpath="{dataset}/{sample}/fragments", within=FILES),
        barcodes="<results>/{dataset}/prep/fragments/{sample}/barcodes.parquet",
        chromosomes=expand(
            "<results>/{dataset}/prep/fragments/{sample}/chromosomes.tsv",
            sample=lookup(dpath="{dataset}", within=NAMES),
            allow_missing=True,
        ),
        barcode_table=lookup(dpath="{dataset}", within=BARCODE_TABLES),
        tss="<results>/{dataset}/prep/tss.parquet",
        sizes=lookup(dpath="{dataset}", within=SIZES),
    output:
        fragments="<results>/{dataset}/prep/fragments/{sample}/fragments.h5ad",
        barcodes="<results>/{dataset}/prep/fragments/{sample}/judged.tsv",
    log:
        "<logs>/{dataset}/prep/import_fragments.{sample}.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/import_fragments.{sample}.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000, per_mb=2),
        runtime=growing(30, per_mb=0.1),
    params:
        row=lookup(dpath="{dataset}/{sample}", within=ROWS),
        settings=setting(
            "prep", "fragments", "min_known_genes", "counts", "min_barcode_overlap"
        ),
        code=code("prep/import_fragments"),
    message:
        "Judging the barcodes of sample {wildcards.sample} of {wildcards.dataset}"
    script:
        "../scripts/prep/import_fragments.py"


rule group_cells:
    input:
        rna=lookup(dpath="{dataset}", within=RNA_FILES),
        barcodes=expand(
            "<results>/{dataset}/prep/fragments/{sample}/judged.tsv",
            sample=lookup(dpath="{dataset}", within=NAMES),
            allow_missing=True,
        ),
        tss="<results>/{dataset}/prep/tss.parquet",
    output:
        pseudobulks="<results>/{dataset}/prep/pseudobulks.tsv",
    log:
        "<logs>/{dataset}/prep/group_cells.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/group_cells.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000, per_mb=2),
        runtime=growing(30, per_mb=0.05),
    params:
        rows=lookup(dpath="{dataset}", within=ROWS),
        fragments=setting("prep.fragments", "without_annotation", "min_cells_per_group"),
        settings=setting(
            "prep", "seed", "embedding", "min_known_genes", "counts", "min_annotated"
        ),
        code=code("prep/group_cells"),
    message:
        "Forming pseudobulks of {wildcards.dataset}"
    script:
        "../scripts/prep/group_cells.py"


rule call_peaks:
    input:
        fragments=expand(
            "<results>/{dataset}/prep/fragments/{sample}/fragments.h5ad",
            sample=lookup(dpath="{dataset}", within=NAMES),
            allow_missing=True,
        ),
        chromosomes=expand(
            "<results>/{dataset}/prep/fragments/{sample}/chromosomes.tsv",
            sample=lookup(dpath="{dataset}", within=NAMES),
            allow_missing=True,
        ),
        pseudobulks="<results>/{dataset}/prep/pseudobulks.tsv",
        tss="<results>/{dataset}/prep/tss.parquet",
        sizes=lookup(dpath="{dataset}", within=SIZES),
        blacklist=lookup(dpath="{dataset}", within=BLACKLISTS),
    output:
        peaks="<results>/{dataset}/prep/consensus_peaks.tsv",
    log:
        "<logs>/{dataset}/prep/call_peaks.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/call_peaks.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000, per_mb=2),
        runtime=growing(30, per_mb=0.1),
    params:
        samples=lookup(dpath="{dataset}", within=NAMES),
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
        fragments="<results>/{dataset}/prep/fragments/{sample}/fragments.h5ad",
        barcodes="<results>/{dataset}/prep/fragments/{sample}/judged.tsv",
        peaks="<results>/{dataset}/prep/consensus_peaks.tsv",
    output:
        counts="<results>/{dataset}/prep/fragments/{sample}/counts.h5ad",
        barcodes="<results>/{dataset}/prep/fragments/{sample}/qc.tsv",
    log:
        "<logs>/{dataset}/prep/count_fragments.{sample}.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/count_fragments.{sample}.tsv"
    conda:
        "../../envs/fragments.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000, per_mb=2),
        runtime=growing(30, per_mb=0.05),
    params:
        settings=setting("prep.fragments", "counting", "min_frip"),
        code=code("prep/count_fragments"),
    message:
        "Counting the fragments of sample {wildcards.sample} of {wildcards.dataset}"
    script:
        "../scripts/prep/count_fragments.py"


rule ingest_sample:
    input:
        rna=lookup(dpath="{dataset}/{sample}/rna", within=FILES),
        atac=lookup(dpath="{dataset}/{sample}/atac", within=FILES, default=[]),
        annotation=lookup(
            dpath="{dataset}/{sample}/annotation", within=FILES, default=[]
        ),
        barcodes=lookup(dpath="{dataset}/{sample}/barcodes", within=FILES, default=[]),
        barcode_table=lookup(dpath="{dataset}", within=BARCODE_TABLES),
        tss="<results>/{dataset}/prep/tss.parquet",
    output:
        counts="<results>/{dataset}/prep/samples/{sample}.h5mu",
        dropped="<results>/{dataset}/prep/samples/{sample}.dropped.tsv",
    log:
        "<logs>/{dataset}/prep/ingest_sample.{sample}.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/ingest_sample.{sample}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(15, per_mb=0.05),
    params:
        row=lookup(dpath="{dataset}/{sample}", within=ROWS),
        settings=setting(
            "prep",
            "min_known_genes",
            "counts",
            "min_barcode_overlap",
            "min_annotated",
            "build",
        ),
        unpaired=lookup(dpath="{dataset}", within=GROUPING),
        code=code("prep/ingest_sample"),
    message:
        "Reading and pairing sample {wildcards.sample} of {wildcards.dataset}"
    script:
        "../scripts/prep/ingest_sample.py"


rule import_rna:
    input:
        matrices=lookup(dpath="{rna}", within=RNA_MATRICES),
        tss="<results>/{dataset}/prep/tss.parquet",
    output:
        "<results>/{dataset}/prep/rna/{rna}.h5ad",
    log:
        "<logs>/{dataset}/prep/import_rna.{rna}.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/import_rna.{rna}.tsv"
    wildcard_constraints:
        rna=one_of(RNA_MATRICES),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=40),
        runtime=growing(15, per_mb=0.05),
    params:
        cell_type=lookup(dpath="{rna}/cell_type", within=config["pretrain"]["rna"]),
        settings=setting("prep", "min_known_genes", "counts"),
        code=code("prep/import_rna"),
    message:
        "Reading the RNA {wildcards.rna} with the genes of {wildcards.dataset}"
    script:
        "../scripts/prep/import_rna.py"


rule filter_multiome:
    input:
        counts=expand(
            "<results>/{dataset}/prep/samples/{sample}.h5mu",
            sample=lookup(dpath="{dataset}", within=NAMES),
            allow_missing=True,
        ),
        dropped=expand(
            "<results>/{dataset}/prep/samples/{sample}.dropped.tsv",
            sample=lookup(dpath="{dataset}", within=NAMES),
            allow_missing=True,
        ),
        tss="<results>/{dataset}/prep/tss.parquet",
    output:
        cells="<results>/{dataset}/prep/filtered.h5mu",
        dropped="<results>/{dataset}/prep/dropped.tsv",
        qc="<results>/{dataset}/prep/qc.tsv",
    log:
        "<logs>/{dataset}/prep/filter_multiome.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/filter_multiome.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(15, per_mb=0.05),
    params:
        seed=setting("prep.seed"),
        min_shared_features=setting("prep.min_shared_features"),
        settings=setting("prep", "cells", "doublets", "genes", "regions"),
        code=code("prep/filter_multiome"),
    message:
        "Filtering cells, genes and regions of {wildcards.dataset}"
    script:
        "../scripts/prep/filter_multiome.py"


rule cluster_cells:
    input:
        cells="<results>/{dataset}/prep/filtered.h5mu",
    output:
        "<results>/{dataset}/prep/embedding.h5ad",
    log:
        "<logs>/{dataset}/prep/cluster_cells.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/cluster_cells.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=15),
        runtime=growing(20, per_mb=0.05),
    params:
        seed=setting("prep.seed"),
        settings=setting("prep.embedding"),
        code=code("prep/cluster_cells"),
    message:
        "Embedding and clustering the cells of {wildcards.dataset}"
    script:
        "../scripts/prep/cluster_cells.py"


rule annotate_cells:
    input:
        cells="<results>/{dataset}/prep/filtered.h5mu",
        embedding="<results>/{dataset}/prep/embedding.h5ad",
        names=setting_path("prep.names"),
        dropped="<results>/{dataset}/prep/dropped.tsv",
        qc="<results>/{dataset}/prep/qc.tsv",
    output:
        multiome="<results>/{dataset}/prep/multiome.h5mu",
        markers="<results>/{dataset}/prep/markers.tsv",
        summary="<results>/{dataset}/prep/summary.json",
    log:
        "<logs>/{dataset}/prep/annotate_cells.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/annotate_cells.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=10),
        runtime=growing(20, per_mb=0.05),
    params:
        n_per_type=setting("prep.markers.n_per_type"),
        code=code("prep/annotate_cells"),
    message:
        "Naming the cell types of {wildcards.dataset} and finding their markers"
    script:
        "../scripts/prep/annotate_cells.py"


rule take_training_cells:
    input:
        cells="<results>/{dataset}/prep/filtered.h5mu",
        split="<results>/{dataset}/pretrain/split.tsv",
    output:
        "<results>/{dataset}/prep/training.h5mu",
    log:
        "<logs>/{dataset}/prep/take_training_cells.log",
    benchmark:
        "<benchmarks>/{dataset}/prep/take_training_cells.tsv"
    wildcard_constraints:
        dataset=one_of(DATASETS),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(20, per_mb=0.05),
    params:
        genes=setting("prep.genes"),
        regions=setting("prep.regions"),
        embedding=setting("prep.embedding"),
        seed=setting("prep.seed"),
        code=code("prep/take_training_cells"),
    message:
        "Taking the training cells of {wildcards.dataset}"
    script:
        "../scripts/prep/take_training_cells.py"
