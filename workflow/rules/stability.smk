# Reruns of the network for grn.stability.seeds: the rules of the stage grn, with a seed of their own, in a folder of their
# own. Cistromes are those of the main run.


use rule infer_tf_gene as infer_tf_gene_again with:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        tfs="results/{dataset}/grn/tfs.txt",
        original=[],
        parts=[],
    output:
        "results/{dataset}/grn/seeds/{seed}/tf_gene.parquet",
    log:
        "results/{dataset}/log/grn/infer_tf_gene.seed{seed}.log",
    benchmark:
        "results/{dataset}/benchmark/grn/infer_tf_gene.seed{seed}.tsv"
    params:
        seed=seed_of,
    message:
        "TF-gene importance in {wildcards.dataset}, seed {wildcards.seed}"


use rule link_regions as link_regions_again with:
    output:
        "results/{dataset}/grn/seeds/{seed}/region_gene.parquet",
    log:
        "results/{dataset}/log/grn/link_regions.seed{seed}.log",
    benchmark:
        "results/{dataset}/benchmark/grn/link_regions.seed{seed}.tsv"
    params:
        seed=seed_of,
    message:
        "Region-gene links in {wildcards.dataset}, seed {wildcards.seed}"


use rule build_eregulons as build_eregulons_again with:
    input:
        tf_gene="results/{dataset}/grn/seeds/{seed}/tf_gene.parquet",
        region_gene="results/{dataset}/grn/seeds/{seed}/region_gene.parquet",
        cistromes="results/{dataset}/grn/cistromes.parquet",
        tfs="results/{dataset}/grn/tfs.txt",
        motifs=where_motifs_rank_regions(cistrome_table_of),
        rankings=where_motifs_rank_regions(rankings_of),
    output:
        eregulons="results/{dataset}/grn/seeds/{seed}/eregulons_unfiltered.parquet",
        funnel="results/{dataset}/grn/seeds/{seed}/funnel_unfiltered.tsv",
    log:
        "results/{dataset}/log/grn/build_eregulons.seed{seed}.log",
    benchmark:
        "results/{dataset}/benchmark/grn/build_eregulons.seed{seed}.tsv"
    message:
        "eRegulons of {wildcards.dataset}, seed {wildcards.seed}"


use rule filter_eregulons as filter_eregulons_again with:
    input:
        eregulons="results/{dataset}/grn/seeds/{seed}/eregulons_unfiltered.parquet",
        funnel="results/{dataset}/grn/seeds/{seed}/funnel_unfiltered.tsv",
        multiome="results/{dataset}/prep/multiome.h5mu",
        cell_topic="results/{dataset}/topics/cell_topic.parquet",
        region_topic="results/{dataset}/topics/region_topic.parquet",
        reruns=[],
    output:
        eregulons="results/{dataset}/grn/seeds/{seed}/eregulons.parquet",
        funnel="results/{dataset}/grn/seeds/{seed}/funnel.tsv",
        quality="results/{dataset}/grn/seeds/{seed}/eregulon_quality.tsv",
        region_activity="results/{dataset}/grn/seeds/{seed}/region_activity.parquet",
    log:
        "results/{dataset}/log/grn/filter_eregulons.seed{seed}.log",
    benchmark:
        "results/{dataset}/benchmark/grn/filter_eregulons.seed{seed}.tsv"
    params:
        seed=seed_of,
    message:
        "Quality of the eRegulons of {wildcards.dataset}, seed {wildcards.seed}"


use rule score_cell_activity as score_cell_activity_again with:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        eregulons="results/{dataset}/grn/seeds/{seed}/eregulons.parquet",
        original=[],
    output:
        activity="results/{dataset}/grn/seeds/{seed}/cell_activity.h5ad",
        thresholds="results/{dataset}/grn/seeds/{seed}/thresholds.tsv",
    log:
        "results/{dataset}/log/grn/score_cell_activity.seed{seed}.log",
    benchmark:
        "results/{dataset}/benchmark/grn/score_cell_activity.seed{seed}.tsv"
    params:
        seed=seed_of,
    message:
        "eRegulon activity of each cell in {wildcards.dataset}, seed {wildcards.seed}"


use rule score_specificity as score_specificity_again with:
    input:
        "results/{dataset}/grn/seeds/{seed}/cell_activity.h5ad",
    output:
        "results/{dataset}/grn/seeds/{seed}/specificity.parquet",
    log:
        "results/{dataset}/log/grn/score_specificity.seed{seed}.log",
    benchmark:
        "results/{dataset}/benchmark/grn/score_specificity.seed{seed}.tsv"
    message:
        "Specificity of eRegulons in {wildcards.dataset}, seed {wildcards.seed}"


use rule build_cell_type_grns as build_cell_type_grns_again with:
    input:
        multiome="results/{dataset}/prep/multiome.h5mu",
        cell_topic="results/{dataset}/topics/cell_topic.parquet",
        region_topic="results/{dataset}/topics/region_topic.parquet",
        eregulons="results/{dataset}/grn/seeds/{seed}/eregulons.parquet",
        specificity="results/{dataset}/grn/seeds/{seed}/specificity.parquet",
        reruns=[],
    output:
        grns=directory("results/{dataset}/grn/seeds/{seed}/cell_type"),
        summary="results/{dataset}/grn/seeds/{seed}/cell_type_summary.tsv",
    log:
        "results/{dataset}/log/grn/build_cell_type_grns.seed{seed}.log",
    benchmark:
        "results/{dataset}/benchmark/grn/build_cell_type_grns.seed{seed}.tsv"
    message:
        "Cell-type GRNs of {wildcards.dataset}, seed {wildcards.seed}"
