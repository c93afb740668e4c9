# Stage grn: TFs, TF-gene weights, region-gene links, cistromes, eRegulons, cell-type and cell-specific GRNs.


localrules:
    grn,


scattergather:
    targets=1,  # parts of the target genes of infer_tf_gene, each a job: --set-scatter targets=50


rule grn:
    input:
        expand(
            "results/{dataset}/grn/{product}",
            dataset=DATASETS,
            product=[
                "eregulons.parquet",
                "funnel.tsv",
                "cell_type",
                "cell_type_summary.tsv",
                "cell_activity.h5ad",
            ],
        ),
        expand("results/{dataset}/grn/stability.tsv", dataset=RERUN),
        expand("results/{dataset}/grn/promoter_binding.parquet", dataset=BINDING),


rule prepare_prior:
    input:
        setting_path("grn.cistromes.prior.table"),
    output:
        "results/{dataset}/grn/prior.parquet",
    log:
        "results/{dataset}/log/grn/prepare_prior.log",
    benchmark:
        "results/{dataset}/benchmark/grn/prepare_prior.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        settings=setting("grn.cistromes.prior"),
        code=code("grn/prepare_prior"),
    message:
        "Prior TF-target pairs for {wildcards.dataset}"
    script:
        "../scripts/grn/prepare_prior.py"


rule select_tfs:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        prior="results/{dataset}/grn/prior.parquet",
        lists=tf_lists_of,
    output:
        "results/{dataset}/grn/tfs.txt",
    log:
        "results/{dataset}/log/grn/select_tfs.log",
    benchmark:
        "results/{dataset}/benchmark/grn/select_tfs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        settings=setting("grn.tfs"),
        code=code("grn/select_tfs"),
    message:
        "Transcription factors measured in {wildcards.dataset}"
    script:
        "../scripts/grn/select_tfs.py"


rule run_arboreto:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        tfs="results/{dataset}/grn/tfs.txt",
    output:
        "results/{dataset}/grn/originals/adjacencies.parquet",
    log:
        "results/{dataset}/log/grn/run_arboreto.log",
    benchmark:
        "results/{dataset}/benchmark/grn/run_arboreto.tsv"
    conda:
        "../../envs/pyscenic.yaml"
    threads: 16
    resources:
        mem_mb=growing(16000),
        runtime=growing(1440),
    params:
        python=interpreter("pyscenic"),
        program=program("run_arboreto"),
        settings=as_json(method_setting("grn.tf_gene", "min_cells")),
        seed=setting("grn.seed"),
        code=program_code("run_arboreto"),
    message:
        "TF-gene importance in {wildcards.dataset} by arboreto"
    shell:
        "{params.python:q} {params.program:q} --multiome {input.multiome:q} --tfs {input.tfs:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --log {log:q} --output {output:q}"


rule infer_tf_gene:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        tfs="results/{dataset}/grn/tfs.txt",
        original=by_original(
            "grn.tf_gene", "results/{dataset}/grn/originals/adjacencies.parquet"
        ),
        parts=parts_of_tf_gene,
    output:
        "results/{dataset}/grn/tf_gene.parquet",
    log:
        "results/{dataset}/log/grn/infer_tf_gene.log",
    benchmark:
        "results/{dataset}/benchmark/grn/infer_tf_gene.tsv"
    conda:
        "../../envs/core.yaml"
    threads: cores_of_tf_gene
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        settings=method_setting("grn.tf_gene", "min_cells"),
        seed=setting("grn.seed"),
        part="1-of-1",
        code=code("grn/infer_tf_gene", at="grn.tf_gene.method"),
    message:
        "TF-gene importance in {wildcards.dataset}"
    script:
        "../scripts/grn/infer_tf_gene.py"


use rule infer_tf_gene as infer_tf_gene_part with:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        tfs="results/{dataset}/grn/tfs.txt",
        original=[],
        parts=[],
    output:
        "results/{dataset}/grn/tf_gene_parts/{scatteritem}.parquet",
    log:
        "results/{dataset}/log/grn/infer_tf_gene.{scatteritem}.log",
    benchmark:
        "results/{dataset}/benchmark/grn/infer_tf_gene.{scatteritem}.tsv"
    params:
        part=part_of,
    message:
        "TF-gene importance in {wildcards.dataset}, part {wildcards.scatteritem} of the targets"


rule link_regions:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        tss="results/{dataset}/prep/tss.parquet",
        cell_topic="results/{dataset}/topics/cell_topic.parquet",
        region_topic="results/{dataset}/topics/region_topic.parquet",
    output:
        "results/{dataset}/grn/region_gene.parquet",
    log:
        "results/{dataset}/log/grn/link_regions.log",
    benchmark:
        "results/{dataset}/benchmark/grn/link_regions.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 16
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        settings=setting("grn.region_gene"),
        seed=setting("grn.seed"),
        code=code("grn/link_regions", at="grn.region_gene.accessibility"),
    message:
        "Region-gene links in {wildcards.dataset}"
    script:
        "../scripts/grn/link_regions.py"


rule scan_motifs:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        fasta=setting_path("grn.cistromes.motif_scan.fasta"),
        motifs=motif_files_of,
    output:
        rankings="results/{dataset}/grn/motifs.regions_vs_motifs.rankings.feather",
        scores="results/{dataset}/grn/motifs.regions_vs_motifs.scores.feather",
    log:
        "results/{dataset}/log/grn/scan_motifs.log",
    benchmark:
        "results/{dataset}/benchmark/grn/scan_motifs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 16
    resources:
        mem_mb=growing(16000),
        runtime=growing(240),
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
        region_sets="results/{dataset}/topics/region_sets.parquet",
        rankings=rankings_of,
        motifs_to_tfs=setting_path("grn.cistromes.motifs_to_tfs"),
    output:
        "results/{dataset}/grn/motif_enrichment.parquet",
    log:
        "results/{dataset}/log/grn/enrich_motifs.log",
    benchmark:
        "results/{dataset}/benchmark/grn/enrich_motifs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 8
    resources:
        mem_mb=growing(32000),
        runtime=growing(120),
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
        region_sets="results/{dataset}/topics/region_sets.parquet",
        scores=scores_of,
        motifs_to_tfs=setting_path("grn.cistromes.motifs_to_tfs"),
        tss="results/{dataset}/prep/tss.parquet",
    output:
        "results/{dataset}/grn/motif_contrast.parquet",
    log:
        "results/{dataset}/log/grn/contrast_motifs.log",
    benchmark:
        "results/{dataset}/benchmark/grn/contrast_motifs.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 8
    resources:
        mem_mb=growing(32000),
        runtime=growing(120),
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
        tf_gene="results/{dataset}/grn/tf_gene.parquet",
        rankings=gene_rankings_of,
        motifs_to_tfs=setting_path("grn.cistromes.motifs_to_tfs"),
    output:
        "results/{dataset}/grn/module_enrichment.parquet",
    log:
        "results/{dataset}/log/grn/enrich_modules.log",
    benchmark:
        "results/{dataset}/benchmark/grn/enrich_modules.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 8
    resources:
        mem_mb=growing(32000),
        runtime=growing(120),
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
        multiome="results/{dataset}/prep/multiome.h5mu",
        tf_gene="results/{dataset}/grn/tf_gene.parquet",
        rankings=gene_rankings_of,
        motifs_to_tfs=setting_path("grn.cistromes.motifs_to_tfs"),
    output:
        "results/{dataset}/grn/originals/module_enrichment.parquet",
    log:
        "results/{dataset}/log/grn/run_pyscenic_ctx.log",
    benchmark:
        "results/{dataset}/benchmark/grn/run_pyscenic_ctx.tsv"
    conda:
        "../../envs/pyscenic.yaml"
    threads: 8
    resources:
        mem_mb=growing(64000),
        runtime=growing(480),
    params:
        python=interpreter("pyscenic"),
        program=program("run_pyscenic_ctx"),
        settings=as_json(module_settings),
        code=program_code("run_pyscenic_ctx"),
    message:
        "Motifs enriched in co-expression modules of {wildcards.dataset} by pySCENIC"
    shell:
        "{params.python:q} {params.program:q} --multiome {input.multiome:q} --tf-gene {input.tf_gene:q}"
        " --rankings {input.rankings:q} --motifs-to-tfs {input.motifs_to_tfs:q} --settings {params.settings:q}"
        " --threads {threads} --log {log:q} --output {output:q}"


rule build_cistromes:
    input:
        region_gene="results/{dataset}/grn/region_gene.parquet",
        tfs="results/{dataset}/grn/tfs.txt",
        prior="results/{dataset}/grn/prior.parquet",
        region_sets="results/{dataset}/topics/region_sets.parquet",
        table=cistrome_table_of,
    output:
        "results/{dataset}/grn/cistromes.parquet",
    log:
        "results/{dataset}/log/grn/build_cistromes.log",
    benchmark:
        "results/{dataset}/benchmark/grn/build_cistromes.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        settings=method_setting("grn.cistromes", "min_abs_rho", "region_set_kinds"),
        code=code("grn/build_cistromes", at="grn.cistromes.method"),
    message:
        "Cistromes in {wildcards.dataset}"
    script:
        "../scripts/grn/build_cistromes.py"


rule build_eregulons:
    input:
        tf_gene="results/{dataset}/grn/tf_gene.parquet",
        region_gene="results/{dataset}/grn/region_gene.parquet",
        cistromes="results/{dataset}/grn/cistromes.parquet",
        tfs="results/{dataset}/grn/tfs.txt",
        motifs=where_motifs_rank_regions(cistrome_table_of),
        rankings=where_motifs_rank_regions(rankings_of),
    output:
        eregulons="results/{dataset}/grn/eregulons_unfiltered.parquet",
        funnel="results/{dataset}/grn/funnel_unfiltered.tsv",
    log:
        "results/{dataset}/log/grn/build_eregulons.log",
    benchmark:
        "results/{dataset}/benchmark/grn/build_eregulons.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        settings=setting("grn.eregulons"),
        code=code("grn/build_eregulons"),
    message:
        "eRegulons of {wildcards.dataset}"
    script:
        "../scripts/grn/build_eregulons.py"


rule filter_eregulons:
    input:
        eregulons="results/{dataset}/grn/eregulons_unfiltered.parquet",
        funnel="results/{dataset}/grn/funnel_unfiltered.tsv",
        multiome="results/{dataset}/prep/multiome.h5mu",
        cell_topic="results/{dataset}/topics/cell_topic.parquet",
        region_topic="results/{dataset}/topics/region_topic.parquet",
        reruns=of_reruns("eregulons_unfiltered.parquet"),
    output:
        eregulons="results/{dataset}/grn/eregulons.parquet",
        funnel="results/{dataset}/grn/funnel.tsv",
        quality="results/{dataset}/grn/eregulon_quality.tsv",
        region_activity="results/{dataset}/grn/region_activity.parquet",
    log:
        "results/{dataset}/log/grn/filter_eregulons.log",
    benchmark:
        "results/{dataset}/benchmark/grn/filter_eregulons.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        settings=setting("grn.quality"),
        aucell=setting("grn.cell", "auc_threshold", "detected_quantile"),
        min_frequency=setting("grn.stability", "min_frequency"),
        min_targets=setting("grn.eregulons", "min_targets"),
        seed=setting("grn.seed"),
        code=code("grn/filter_eregulons"),
    message:
        "Quality of the eRegulons of {wildcards.dataset}"
    script:
        "../scripts/grn/filter_eregulons.py"


rule run_pyscenic_aucell:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        eregulons="results/{dataset}/grn/eregulons.parquet",
    output:
        "results/{dataset}/grn/originals/cell_auc.parquet",
    log:
        "results/{dataset}/log/grn/run_pyscenic_aucell.log",
    benchmark:
        "results/{dataset}/benchmark/grn/run_pyscenic_aucell.tsv"
    conda:
        "../../envs/pyscenic.yaml"
    threads: 8
    resources:
        mem_mb=growing(16000),
        runtime=growing(240),
    params:
        python=interpreter("pyscenic"),
        program=program("run_pyscenic_aucell"),
        settings=as_json(setting("grn.cell", "auc_threshold")),
        seed=setting("grn.seed"),
        code=program_code("run_pyscenic_aucell"),
    message:
        "eRegulon activity of each cell in {wildcards.dataset} by pySCENIC"
    shell:
        "{params.python:q} {params.program:q} --multiome {input.multiome:q} --eregulons {input.eregulons:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --log {log:q} --output {output:q}"


rule score_cell_activity:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        eregulons="results/{dataset}/grn/eregulons.parquet",
        original=by_original(
            "grn.cell", "results/{dataset}/grn/originals/cell_auc.parquet"
        ),
    output:
        activity="results/{dataset}/grn/cell_activity.h5ad",
        thresholds="results/{dataset}/grn/thresholds.tsv",
    log:
        "results/{dataset}/log/grn/score_cell_activity.log",
    benchmark:
        "results/{dataset}/benchmark/grn/score_cell_activity.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        settings=setting("grn.cell"),
        seed=setting("grn.seed"),
        code=code("grn/score_cell_activity", at="grn.cell.method"),
    message:
        "eRegulon activity of each cell in {wildcards.dataset}"
    script:
        "../scripts/grn/score_cell_activity.py"


rule score_specificity:
    input:
        "results/{dataset}/grn/cell_activity.h5ad",
    output:
        "results/{dataset}/grn/specificity.parquet",
    log:
        "results/{dataset}/log/grn/score_specificity.log",
    benchmark:
        "results/{dataset}/benchmark/grn/score_specificity.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("grn/score_specificity"),
    message:
        "Specificity of eRegulons for cell types in {wildcards.dataset}"
    script:
        "../scripts/grn/score_specificity.py"


rule build_cell_type_grns:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        cell_topic="results/{dataset}/topics/cell_topic.parquet",
        region_topic="results/{dataset}/topics/region_topic.parquet",
        eregulons="results/{dataset}/grn/eregulons.parquet",
        specificity="results/{dataset}/grn/specificity.parquet",
        reruns=of_reruns("cell_type"),
    output:
        grns=directory("results/{dataset}/grn/cell_type"),
        summary="results/{dataset}/grn/cell_type_summary.tsv",
    log:
        "results/{dataset}/log/grn/build_cell_type_grns.log",
    benchmark:
        "results/{dataset}/benchmark/grn/build_cell_type_grns.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        settings=setting("grn.cell_type"),
        code=code("grn/build_cell_type_grns"),
    message:
        "Cell-type GRNs of {wildcards.dataset}"
    script:
        "../scripts/grn/build_cell_type_grns.py"


rule measure_stability:
    input:
        tf_gene=of_all_runs("tf_gene.parquet"),
        region_gene=of_all_runs("region_gene.parquet"),
        eregulons=of_all_runs("eregulons_unfiltered.parquet"),
        cell_types=of_all_runs("cell_type"),
    output:
        "results/{dataset}/grn/stability.tsv",
    log:
        "results/{dataset}/log/grn/measure_stability.log",
    benchmark:
        "results/{dataset}/benchmark/grn/measure_stability.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(16000),
        runtime=growing(60),
    params:
        settings=setting("grn.stability", "top_fraction"),
        seeds=seeds_of_all_runs,
        code=code("grn/measure_stability"),
    message:
        "What networks of different seeds have in common in {wildcards.dataset}"
    script:
        "../scripts/grn/measure_stability.py"


rule score_promoter_motifs:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        promoters=setting_path("grn.cistromes.promoter.promoters"),
        motifs=collection_files("motifs"),
        tfs=collection_files("tfs"),
    output:
        binding="results/{dataset}/grn/promoter_binding.parquet",
        targets="results/{dataset}/grn/promoter_targets.parquet",
    log:
        "results/{dataset}/log/grn/score_promoter_motifs.log",
    benchmark:
        "results/{dataset}/benchmark/grn/score_promoter_motifs.tsv"
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
        ),
        seed=setting("grn.seed"),
        code=code("grn/score_promoter_motifs"),
    message:
        "Motifs on the promoters of {wildcards.dataset}"
    script:
        "../scripts/grn/score_promoter_motifs.py"
