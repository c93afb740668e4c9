# Stage grn: TFs, TF-gene weights, region-gene links, cistromes, eRegulons, cell-type and cell-specific GRNs.
# {run} is the folder of one run of the network: grn, the main one, and grn_seed2, ... for grn.stability.seeds.
from grnformer.grn.cistromes import describe_method, motif_rules
from grnformer.workflow.lookups import merged
from grnformer.workflow.runs import MAIN, runs_of

RUNS = {dataset: runs_of(CONFIGS[dataset]["grn"]) for dataset in DATASETS}  # -> seeds
NETWORKS = {dataset: list(runs) for dataset, runs in RUNS.items()}
# what the main run draws on; a rerun has none
RERUNS = {dataset: {MAIN: runs[1:]} for dataset, runs in NETWORKS.items()}
RERUN = [dataset for dataset, runs in NETWORKS.items() if len(runs) > 1]
BINDING = [
    dataset
    for dataset in DATASETS
    if CONFIGS[dataset]["grn"]["cistromes"]["promoter"]["promoters"]
]
OF_MAIN_RUN = {
    "funnel": "funnel.tsv",
    "eregulons": "eregulons.parquet",
    "cell_type": "cell_type",
    "cell_type_summary": "cell_type_summary.tsv",
    "activity": "cell_activity.h5ad",
    "thresholds": "thresholds.tsv",
    "specificity": "specificity.parquet",
}
REPORTED |= {
    name: expand(f"<results>/{{dataset}}/grn/{file}", dataset=DATASETS)
    for name, file in OF_MAIN_RUN.items()
}
REPORTED["eregulon_quality"] = expand(
    "<results>/{dataset}/grn/eregulon_quality.tsv", dataset=INFERRED
)
REPORTED["stability"] = expand("<results>/{dataset}/grn/stability.tsv", dataset=RERUN)

# what a dataset's cistromes rest on: the table that their method reads, and the database by which motifs rank regions
SCANNED = "<results>/{dataset}/grn/motifs.regions_vs_motifs.rankings.feather"
TABLES, RANKINGS, RANKED = {}, {}, {}
for dataset, of_dataset in CONFIGS.items():
    section = of_dataset["grn"]["cistromes"]
    method = describe_method(section["method"])
    if method.reads:
        TABLES[dataset] = f"<results>/{dataset}/grn/{method.reads.file}.parquet"
    if method.ranks_regions:
        given = path_of(section["cistarget"]["rankings"])
        RANKINGS[dataset] = SCANNED if "scan_motifs" in motif_rules(section) else given
        RANKED[dataset] = TABLES[dataset]


scattergather:
    targets=1,  # parts of the target genes of infer_tf_gene, each a job: --set-scatter targets=50


wildcard_constraints:
    run=r"grn(_seed\d+)?",


include: "grn/given.smk"
include: "grn/conditions.smk"


rule grn:
    input:
        expand(
            "<results>/{dataset}/grn/{product}",
            dataset=DATASETS,
            product=[
                "eregulons.parquet",
                "funnel.tsv",
                "cell_type",
                "cell_type_summary.tsv",
                "cell_activity.h5ad",
            ],
        ),
        expand("<results>/{dataset}/grn/stability.tsv", dataset=RERUN),
        [REPORTED[name] for name in COMPARED],
        expand("<results>/{dataset}/grn/promoter_binding.parquet", dataset=BINDING),
        f"<results>/{REPORT}/grn/index.html",
    localrule: True


rule prepare_prior:
    input:
        table=setting_path("grn.cistromes.prior.table"),
        orthologs=setting_path("grn.cistromes.prior.orthologs"),
    output:
        "<results>/{dataset}/grn/prior.parquet",
    log:
        "<logs>/{dataset}/grn/prepare_prior.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/prepare_prior.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        settings=setting("grn.cistromes.prior", "collections", "chip_sources", "chip"),
        code=code("grn/prepare_prior"),
    message:
        "Prior TF-target pairs for {wildcards.dataset}"
    script:
        "../scripts/grn/prepare_prior.py"


rule select_tfs:
    input:
        multiome=UNNAMED_CELLS,
        prior="<results>/{dataset}/grn/prior.parquet",
        lists=setting_path("grn.tfs.lists"),
    output:
        "<results>/{dataset}/grn/tfs.txt",
    log:
        "<logs>/{dataset}/grn/select_tfs.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/select_tfs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=1),
        runtime=growing(10),
    params:
        settings=setting("grn.tfs"),
        code=code("grn/select_tfs"),
    message:
        "Transcription factors measured in {wildcards.dataset}"
    script:
        "../scripts/grn/select_tfs.py"


SCATTERED = gather.targets(
    "<results>/{{dataset}}/grn/tf_gene_parts/{scatteritem}.parquet"
)
PARTS = {
    dataset: {MAIN: SCATTERED}
    for dataset in DATASETS
    if len(SCATTERED) > 1
    and not is_original(
        "grn.tf_gene.method", CONFIGS[dataset]["grn"]["tf_gene"]["method"]
    )
}


rule run_arboreto:
    input:
        multiome=UNNAMED_CELLS,
        tfs="<results>/{dataset}/grn/tfs.txt",
    output:
        "<results>/{dataset}/grn/originals/adjacencies.parquet",
    log:
        "<logs>/{dataset}/grn/run_arboreto.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/run_arboreto.tsv"
    conda:
        "../../envs/pyscenic.yaml"
    threads: by_size(16, per_mb=0.3)
    resources:
        mem_mb=growing(4000, per_mb=120),
        runtime=growing(240, per_mb=12),
    params:
        **original("run_arboreto", "pyscenic"),
        settings=as_json(method_setting("grn.tf_gene", "min_cells")),
        seed=setting("grn.seed"),
    message:
        "TF-gene importance in {wildcards.dataset} by arboreto"
    shell:
        "{params.python:q} {params.program:q} --multiome {input.multiome:q} --tfs {input.tfs:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --log {log:q} --output {output:q}"


rule infer_tf_gene:
    input:
        multiome=UNNAMED_CELLS,
        tfs="<results>/{dataset}/grn/tfs.txt",
        original=by_original(
            "grn.tf_gene", "<results>/{dataset}/grn/originals/adjacencies.parquet"
        ),
        parts=lookup(dpath="{dataset}/{run}", within=PARTS, default=[]),
    output:
        "<results>/{dataset}/{run}/tf_gene.parquet",
    log:
        "<logs>/{dataset}/{run}/infer_tf_gene.log",
    benchmark:
        "<benchmarks>/{dataset}/{run}/infer_tf_gene.tsv"
    conda:
        "../../envs/core.yaml"
    threads: by_size(16, 0.3, joining=lookup(dpath="{dataset}/{run}", within=PARTS, default=[]))
    resources:
        mem_mb=growing(2000, per_mb=15),
        runtime=growing(30, per_mb=0.2),
    params:
        settings=method_setting("grn.tf_gene", "min_cells"),
        seed=lookup(dpath="{dataset}/{run}", within=RUNS),
        part="1-of-1",
        code=code("grn/infer_tf_gene", at="grn.tf_gene.method"),
    message:
        "TF-gene importance in {wildcards.dataset}, {wildcards.run}"
    script:
        "../scripts/grn/infer_tf_gene.py"


use rule infer_tf_gene as infer_tf_gene_part with:
    input:
        multiome=UNNAMED_CELLS,
        tfs="<results>/{dataset}/grn/tfs.txt",
        original=[],
        parts=[],
    output:
        "<results>/{dataset}/grn/tf_gene_parts/{scatteritem}.parquet",
    log:
        "<logs>/{dataset}/grn/infer_tf_gene.{scatteritem}.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/infer_tf_gene.{scatteritem}.tsv"
    threads: by_size(16, per_mb=0.3)
    params:
        seed=setting("grn.seed"),
        part="{scatteritem}",
    message:
        "TF-gene importance in {wildcards.dataset}, part {wildcards.scatteritem} of the targets"


rule link_regions:
    input:
        multiome=UNNAMED_CELLS,
        tss="<results>/{dataset}/prep/tss.parquet",
        cell_topic="<results>/{dataset}/topics/cell_topic.parquet",
        region_topic="<results>/{dataset}/topics/region_topic.parquet",
    output:
        "<results>/{dataset}/{run}/region_gene.parquet",
    log:
        "<logs>/{dataset}/{run}/link_regions.log",
    benchmark:
        "<benchmarks>/{dataset}/{run}/link_regions.tsv"
    conda:
        "../../envs/core.yaml"
    threads: by_size(16, per_mb=0.3)
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(30, per_mb=0.1),
    params:
        settings=setting("grn.region_gene"),
        seed=lookup(dpath="{dataset}/{run}", within=RUNS),
        code=code("grn/link_regions", at="grn.region_gene.accessibility"),
    message:
        "Region-gene links in {wildcards.dataset}, {wildcards.run}"
    script:
        "../scripts/grn/link_regions.py"


rule scan_motifs:
    input:
        multiome=UNNAMED_CELLS,
        fasta=setting_path("grn.cistromes.motif_scan.fasta"),
        motifs=setting_path("grn.cistromes.motif_scan.motifs"),
    output:
        rankings="<results>/{dataset}/grn/motifs.regions_vs_motifs.rankings.feather",
        scores="<results>/{dataset}/grn/motifs.regions_vs_motifs.scores.feather",
    log:
        "<logs>/{dataset}/grn/scan_motifs.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/scan_motifs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: by_size(16, per_mb=0.1)
    resources:
        mem_mb=growing(4000, per_mb=4, most=16000),
        runtime=growing(30, per_mb=0.1, most=240),
    params:
        settings=setting("grn.cistromes.motif_scan"),
        seed=setting("grn.seed"),
        code=code("grn/scan_motifs"),
    message:
        "Motif sites in the regions of {wildcards.dataset}"
    script:
        "../scripts/grn/scan_motifs.py"


rule enrich_motifs:
    input:
        region_sets="<results>/{dataset}/topics/region_sets.parquet",
        rankings=lookup(dpath="{dataset}", within=RANKINGS),
        motifs_to_tfs=setting_path("grn.cistromes.motifs_to_tfs"),
    output:
        "<results>/{dataset}/grn/motif_enrichment.parquet",
    log:
        "<logs>/{dataset}/grn/enrich_motifs.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/enrich_motifs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: by_size(8, per_mb=0.02)
    resources:
        mem_mb=growing(4000, per_mb=40, most=32000),
        runtime=growing(30, per_mb=0.1, most=120),
    params:
        settings=setting("grn.cistromes.cistarget"),
        kinds=setting("grn.cistromes.region_set_kinds"),
        code=code("grn/enrich_motifs"),
    message:
        "Motifs enriched in the region sets of {wildcards.dataset}"
    script:
        "../scripts/grn/enrich_motifs.py"


rule contrast_motifs:
    input:
        region_sets="<results>/{dataset}/topics/region_sets.parquet",
        scores=branch(
            setting("grn.cistromes.dem.scores"),
            then=setting_path("grn.cistromes.dem.scores"),
            otherwise=SCANNED.replace("rankings", "scores"),
        ),
        motifs_to_tfs=setting_path("grn.cistromes.motifs_to_tfs"),
        tss="<results>/{dataset}/prep/tss.parquet",
    output:
        "<results>/{dataset}/grn/motif_contrast.parquet",
    log:
        "<logs>/{dataset}/grn/contrast_motifs.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/contrast_motifs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: by_size(8, per_mb=0.02)
    resources:
        mem_mb=growing(4000, per_mb=40, most=32000),
        runtime=growing(30, per_mb=0.1, most=120),
    params:
        settings=setting("grn.cistromes.dem"),
        mapping=setting(
            "grn.cistromes.cistarget", "min_overlap", "min_regions", "min_mapped"
        ),
        evidence=setting(
            "grn.cistromes.cistarget", "motif_similarity_fdr", "orthologous_identity"
        ),
        kinds=setting("grn.cistromes.region_set_kinds"),
        seed=setting("grn.seed"),
        code=code("grn/contrast_motifs"),
    message:
        "Motifs of region sets against their background in {wildcards.dataset}"
    script:
        "../scripts/grn/contrast_motifs.py"


rule enrich_modules:
    input:
        tf_gene="<results>/{dataset}/grn/tf_gene.parquet",
        rankings=setting_path("grn.cistromes.cistarget_genes.rankings"),
        motifs_to_tfs=setting_path("grn.cistromes.motifs_to_tfs"),
    output:
        "<results>/{dataset}/grn/module_enrichment.parquet",
    log:
        "<logs>/{dataset}/grn/enrich_modules.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/enrich_modules.tsv"
    conda:
        "../../envs/core.yaml"
    threads: by_size(8, per_mb=0.02)
    resources:
        mem_mb=growing(4000, per_mb=40, most=32000),
        runtime=growing(30, per_mb=0.5, most=120),
    params:
        settings=setting("grn.cistromes.cistarget_genes"),
        evidence=setting(
            "grn.cistromes.cistarget", "motif_similarity_fdr", "orthologous_identity"
        ),
        code=code("grn/enrich_modules"),
    message:
        "Motifs enriched near co-expressed genes in {wildcards.dataset}"
    script:
        "../scripts/grn/enrich_modules.py"


rule run_pyscenic_ctx:
    input:
        multiome=UNNAMED_CELLS,
        tf_gene="<results>/{dataset}/grn/tf_gene.parquet",
        rankings=setting_path("grn.cistromes.cistarget_genes.rankings"),
        motifs_to_tfs=setting_path("grn.cistromes.motifs_to_tfs"),
    output:
        "<results>/{dataset}/grn/originals/module_enrichment.parquet",
    log:
        "<logs>/{dataset}/grn/run_pyscenic_ctx.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/run_pyscenic_ctx.tsv"
    conda:
        "../../envs/pyscenic.yaml"
    threads: by_size(8, per_mb=0.02)
    resources:
        mem_mb=growing(8000, per_mb=100, most=64000),
        runtime=growing(60, per_mb=1.5, most=480),
    params:
        **original("run_pyscenic_ctx", "pyscenic"),
        settings=as_json(
            merged(
                setting("grn.cistromes.cistarget_genes"),
                setting(
                    "grn.cistromes.cistarget",
                    "motif_similarity_fdr",
                    "orthologous_identity",
                ),
            )
        ),
    message:
        "Motifs enriched in co-expression modules of {wildcards.dataset} by pySCENIC"
    shell:
        "{params.python:q} {params.program:q} --multiome {input.multiome:q} --tf-gene {input.tf_gene:q}"
        " --rankings {input.rankings:q} --motifs-to-tfs {input.motifs_to_tfs:q} --settings {params.settings:q}"
        " --threads {threads} --log {log:q} --output {output:q}"


rule build_cistromes:
    input:
        region_gene=with_atac("<results>/{dataset}/grn/region_gene.parquet"),
        rna=without_atac(UNNAMED_CELLS),
        tfs="<results>/{dataset}/grn/tfs.txt",
        prior="<results>/{dataset}/grn/prior.parquet",
        region_sets=with_atac("<results>/{dataset}/topics/region_sets.parquet"),
        table=lookup(dpath="{dataset}", within=TABLES, default=[]),
    output:
        "<results>/{dataset}/grn/cistromes.parquet",
    log:
        "<logs>/{dataset}/grn/build_cistromes.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/build_cistromes.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=60, most=32000),
        runtime=growing(20, per_mb=0.05),
    params:
        settings=method_setting("grn.cistromes", "min_abs_rho", "region_set_kinds"),
        code=code("grn/build_cistromes", at="grn.cistromes.method"),
    message:
        "Cistromes in {wildcards.dataset}"
    script:
        "../scripts/grn/build_cistromes.py"


rule build_eregulons:
    input:
        tf_gene="<results>/{dataset}/{run}/tf_gene.parquet",
        region_gene=with_atac("<results>/{dataset}/{run}/region_gene.parquet"),
        cistromes="<results>/{dataset}/grn/cistromes.parquet",
        tfs="<results>/{dataset}/grn/tfs.txt",
        motifs=lookup(dpath="{dataset}", within=RANKED, default=[]),
        rankings=lookup(dpath="{dataset}", within=RANKINGS, default=[]),
    output:
        eregulons="<results>/{dataset}/{run}/eregulons_unfiltered.parquet",
        funnel="<results>/{dataset}/{run}/funnel_unfiltered.tsv",
    log:
        "<logs>/{dataset}/{run}/build_eregulons.log",
    benchmark:
        "<benchmarks>/{dataset}/{run}/build_eregulons.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=60, most=32000),
        runtime=growing(20, per_mb=0.05),
    params:
        settings=setting("grn.eregulons"),
        method=setting("grn.cistromes.method"),
        code=code("grn/build_eregulons"),
    message:
        "eRegulons of {wildcards.dataset}, {wildcards.run}"
    script:
        "../scripts/grn/build_eregulons.py"


rule filter_eregulons:
    input:
        eregulons="<results>/{dataset}/{run}/eregulons_unfiltered.parquet",
        funnel="<results>/{dataset}/{run}/funnel_unfiltered.tsv",
        multiome=NETWORK_CELLS,
        topics=with_atac(
            "<results>/{dataset}/topics/cell_topic.parquet",
            "<results>/{dataset}/topics/region_topic.parquet",
        ),
        reruns=expand(
            "<results>/{dataset}/{rerun}/eregulons_unfiltered.parquet",
            rerun=lookup(dpath="{dataset}/{run}", within=RERUNS, default=[]),
            allow_missing=True,
        ),
    output:
        eregulons="<results>/{dataset}/{run}/eregulons.parquet",
        funnel="<results>/{dataset}/{run}/funnel.tsv",
        quality="<results>/{dataset}/{run}/eregulon_quality.tsv",
        region_activity="<results>/{dataset}/{run}/region_activity.parquet",
    log:
        "<logs>/{dataset}/{run}/filter_eregulons.log",
    benchmark:
        "<benchmarks>/{dataset}/{run}/filter_eregulons.tsv"
    wildcard_constraints:
        dataset=one_of(INFERRED),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(20, per_mb=0.05),
    params:
        settings=setting("grn.quality"),
        aucell=setting("grn.cell", "auc_threshold", "detected_quantile"),
        min_frequency=setting("grn.stability", "min_frequency"),
        min_targets=setting("grn.eregulons", "min_targets"),
        seed=lookup(dpath="{dataset}/{run}", within=RUNS),
        code=code("grn/filter_eregulons"),
    message:
        "Quality of the eRegulons of {wildcards.dataset}, {wildcards.run}"
    script:
        "../scripts/grn/filter_eregulons.py"


rule run_pyscenic_aucell:
    input:
        multiome="<results>/{dataset}/prep/multiome.h5mu",
        eregulons="<results>/{dataset}/grn/eregulons.parquet",
    output:
        "<results>/{dataset}/grn/originals/cell_auc.parquet",
    log:
        "<logs>/{dataset}/grn/run_pyscenic_aucell.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/run_pyscenic_aucell.tsv"
    conda:
        "../../envs/pyscenic.yaml"
    threads: by_size(8, per_mb=0.1)
    resources:
        mem_mb=growing(4000, per_mb=120),
        runtime=growing(60, per_mb=2),
    params:
        **original("run_pyscenic_aucell", "pyscenic"),
        settings=as_json(setting("grn.cell", "auc_threshold")),
        seed=setting("grn.seed"),
    message:
        "eRegulon activity of each cell in {wildcards.dataset} by pySCENIC"
    shell:
        "{params.python:q} {params.program:q} --multiome {input.multiome:q} --eregulons {input.eregulons:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --log {log:q} --output {output:q}"


rule score_cell_activity:
    input:
        multiome="<results>/{dataset}/prep/multiome.h5mu",
        training=TRAINING_CELLS,
        eregulons="<results>/{dataset}/{run}/eregulons.parquet",
        original=by_original(
            "grn.cell", "<results>/{dataset}/grn/originals/cell_auc.parquet"
        ),
    output:
        activity="<results>/{dataset}/{run}/cell_activity.h5ad",
        thresholds="<results>/{dataset}/{run}/thresholds.tsv",
    log:
        "<logs>/{dataset}/{run}/score_cell_activity.log",
    benchmark:
        "<benchmarks>/{dataset}/{run}/score_cell_activity.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=10),
        runtime=growing(20, per_mb=0.05),
    params:
        settings=setting("grn.cell"),
        seed=lookup(dpath="{dataset}/{run}", within=RUNS),
        code=code("grn/score_cell_activity", at="grn.cell.method"),
    message:
        "eRegulon activity of each cell in {wildcards.dataset}, {wildcards.run}"
    script:
        "../scripts/grn/score_cell_activity.py"


rule score_specificity:
    input:
        activity="<results>/{dataset}/{run}/cell_activity.h5ad",
        training=TRAINING_CELLS,
    output:
        "<results>/{dataset}/{run}/specificity.parquet",
    log:
        "<logs>/{dataset}/{run}/score_specificity.log",
    benchmark:
        "<benchmarks>/{dataset}/{run}/score_specificity.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=5),
        runtime=growing(15, per_mb=0.05),
    params:
        code=code("grn/score_specificity"),
    message:
        "Specificity of eRegulons for cell types in {wildcards.dataset}, {wildcards.run}"
    script:
        "../scripts/grn/score_specificity.py"


rule build_cell_type_grns:
    input:
        multiome=NETWORK_CELLS,
        topics=with_atac(
            "<results>/{dataset}/topics/cell_topic.parquet",
            "<results>/{dataset}/topics/region_topic.parquet",
        ),
        eregulons="<results>/{dataset}/{run}/eregulons.parquet",
        specificity="<results>/{dataset}/{run}/specificity.parquet",
        reruns=expand(
            "<results>/{dataset}/{rerun}/cell_type",
            rerun=lookup(dpath="{dataset}/{run}", within=RERUNS, default=[]),
            allow_missing=True,
        ),
    output:
        grns=directory("<results>/{dataset}/{run}/cell_type"),
        summary="<results>/{dataset}/{run}/cell_type_summary.tsv",
    log:
        "<logs>/{dataset}/{run}/build_cell_type_grns.log",
    benchmark:
        "<benchmarks>/{dataset}/{run}/build_cell_type_grns.tsv"
    wildcard_constraints:
        dataset=one_of(INFERRED),
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=10),
        runtime=growing(20, per_mb=0.05),
    params:
        settings=setting("grn.cell_type"),
        code=code("grn/build_cell_type_grns"),
    message:
        "Cell-type GRNs of {wildcards.dataset}, {wildcards.run}"
    script:
        "../scripts/grn/build_cell_type_grns.py"


rule measure_stability:
    input:
        tf_gene=expand(
            "<results>/{dataset}/{run}/tf_gene.parquet",
            run=lookup(dpath="{dataset}", within=NETWORKS),
            allow_missing=True,
        ),
        region_gene=with_atac(
            expand(
                "<results>/{dataset}/{run}/region_gene.parquet",
                run=lookup(dpath="{dataset}", within=NETWORKS),
                allow_missing=True,
            )
        ),
        eregulons=expand(
            "<results>/{dataset}/{run}/eregulons_unfiltered.parquet",
            run=lookup(dpath="{dataset}", within=NETWORKS),
            allow_missing=True,
        ),
        cell_types=expand(
            "<results>/{dataset}/{run}/cell_type",
            run=lookup(dpath="{dataset}", within=NETWORKS),
            allow_missing=True,
        ),
    output:
        "<results>/{dataset}/grn/stability.tsv",
    log:
        "<logs>/{dataset}/grn/measure_stability.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/measure_stability.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=140),
        runtime=growing(20, per_mb=0.5),
    params:
        settings=setting("grn.stability", "top_fraction"),
        runs=lookup(dpath="{dataset}", within=RUNS),
        code=code("grn/measure_stability"),
    message:
        "What networks of different seeds have in common in {wildcards.dataset}"
    script:
        "../scripts/grn/measure_stability.py"


rule score_promoter_motifs:
    input:
        multiome=UNNAMED_CELLS,
        promoters=setting_path("grn.cistromes.promoter.promoters"),
        motifs=branch(
            setting("grn.cistromes.promoter.promoters"),
            then=setting_path("grn.cistromes.promoter.collections", "motifs"),
        ),
        tfs=branch(
            setting("grn.cistromes.promoter.promoters"),
            then=setting_path("grn.cistromes.promoter.collections", "tfs"),
        ),
        tables=setting_path("grn.cistromes.promoter.tables"),
    output:
        binding="<results>/{dataset}/grn/promoter_binding.parquet",
        targets="<results>/{dataset}/grn/promoter_targets.parquet",
    log:
        "<logs>/{dataset}/grn/score_promoter_motifs.log",
    benchmark:
        "<benchmarks>/{dataset}/grn/score_promoter_motifs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        settings=setting(
            "grn.cistromes.promoter",
            "min_genes",
            "background_fraction",
            "n_bins",
            "min_log_odds",
            "table_log_odds",
        ),
        seed=setting("grn.seed"),
        code=code("grn/score_promoter_motifs"),
    message:
        "Motifs on the promoters of {wildcards.dataset}"
    script:
        "../scripts/grn/score_promoter_motifs.py"
