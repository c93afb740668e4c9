# report: one self-contained page, and the same numbers as tables.


report: "../report/workflow.rst"


localrules:
    report,


rule report:
    input:
        "results/report/index.html",
        "results/report/tables",


rule render_report:
    input:
        template=locate("workflow/report/page.html", workflow.basedir),
        measured=benchmarks_of_the_checkout(),
        multiome=expand("results/{dataset}/prep/multiome.h5mu", dataset=DATASETS),
        qc=expand("results/{dataset}/prep/qc.tsv", dataset=DATASETS),
        dropped=expand("results/{dataset}/prep/dropped.tsv", dataset=DATASETS),
        markers=expand("results/{dataset}/prep/markers.tsv", dataset=DATASETS),
        prep_summary=expand("results/{dataset}/prep/summary.json", dataset=DATASETS),
        fragment_qc=expand(
            "results/{dataset}/prep/fragments/{sample}/qc.tsv",
            zip,
            dataset=FRAGMENTED["dataset"],
            sample=FRAGMENTED["sample"],
        ),
        topic_selection=expand(
            "results/{dataset}/topics/model_selection.tsv", dataset=DATASETS
        ),
        cell_topic=expand(
            "results/{dataset}/topics/cell_topic.parquet", dataset=DATASETS
        ),
        region_sets=expand(
            "results/{dataset}/topics/region_sets.parquet", dataset=DATASETS
        ),
        funnel=expand("results/{dataset}/grn/funnel.tsv", dataset=DATASETS),
        eregulons=expand("results/{dataset}/grn/eregulons.parquet", dataset=DATASETS),
        eregulon_quality=expand(
            "results/{dataset}/grn/eregulon_quality.tsv", dataset=DATASETS
        ),
        cell_type=expand("results/{dataset}/grn/cell_type", dataset=DATASETS),
        cell_type_summary=expand(
            "results/{dataset}/grn/cell_type_summary.tsv", dataset=DATASETS
        ),
        activity=expand("results/{dataset}/grn/cell_activity.h5ad", dataset=DATASETS),
        thresholds=expand("results/{dataset}/grn/thresholds.tsv", dataset=DATASETS),
        specificity=expand(
            "results/{dataset}/grn/specificity.parquet", dataset=DATASETS
        ),
        stability=expand("results/{dataset}/grn/stability.tsv", dataset=RERUN),
        graphs=expand(
            "results/{dataset}/fuse/{graph}",
            dataset=TRAINED,
            graph=config["fuse"]["graphs"],
        ),
        training=expand(
            "results/{dataset}/pretrain/{arm}/seed{seed}/training.tsv",
            dataset=TRAINED,
            arm=config["pretrain"]["arms"],
            seed=config["pretrain"]["seeds"],
        ),
        heldout=expand(
            "results/{dataset}/pretrain/{arm}/seed{seed}/heldout.json",
            dataset=TRAINED,
            arm=config["pretrain"]["arms"],
            seed=config["pretrain"]["seeds"],
        ),
        attention=expand(
            "results/{dataset}/attention/{arm}/{table}",
            dataset=PRETRAINED,
            arm=ATTENTIVE,
            table=[
                "enrichment.tsv",
                "mass.parquet",
                "pairs.tsv",
                "pair_scores.tsv",
                "contribution.tsv",
            ],
        ),
        grn_accuracy_scores=expand(
            "results/{dataset}/bench/grn_accuracy/scores.tsv",
            dataset=CHIP_DATASETS,
        ),
        grn_accuracy_summary=expand(
            "results/{dataset}/bench/grn_accuracy/summary.tsv",
            dataset=CHIP_DATASETS,
        ),
        grn_truth=expand(
            "results/{dataset}/bench/grn_accuracy/truth.tsv", dataset=CHIP_DATASETS
        ),
        drug_response_scores=expand(
            "results/{dataset}/bench/drug_response/scores.tsv",
            dataset=TRAINED if SPLITS else [],
        ),
        drug_response_summary=expand(
            "results/{dataset}/bench/drug_response/summary.tsv",
            dataset=TRAINED if SPLITS else [],
        ),
        comparisons=[
            f"results/bench/compare_networks/{left}/{right}.tsv"
            for left, right in config["bench"]["compare"]
        ],
        screen_counts=("results/bench/drug_response/counts.tsv" if SPLITS else []),
        benchmarks=[
            *expand(
                "results/{dataset}/benchmark/{job}.tsv",
                dataset=DATASETS,
                job=[
                    "prep/prepare_tss",
                    "prep/filter_multiome",
                    "prep/annotate_cells",
                    "topics/select_topics",
                    "topics/binarize_topics",
                    "grn/prepare_prior",
                    "grn/select_tfs",
                    "grn/infer_tf_gene",
                    "grn/link_regions",
                    "grn/build_cistromes",
                    "grn/build_eregulons",
                    "grn/filter_eregulons",
                    "grn/score_cell_activity",
                    "grn/score_specificity",
                    "grn/build_cell_type_grns",
                ],
            ),
            *expand(
                "results/{dataset}/benchmark/grn/measure_stability.tsv", dataset=RERUN
            ),
            *benchmarks_of_reruns(),
            *[part for dataset in DATASETS for part in costs_of_parts(dataset)],
            *expand(
                "results/{dataset}/benchmark/grn/score_promoter_motifs.tsv",
                dataset=BINDING,
            ),
            *expand(
                "results/{dataset}/benchmark/grn/run_arboreto.tsv",
                dataset=datasets_with(
                    "grn.tf_gene.method", "arboreto_grnboost2", "arboreto_genie3"
                ),
            ),
            *expand(
                "results/{dataset}/benchmark/grn/run_pyscenic_aucell.tsv",
                dataset=datasets_with("grn.cell.method", "pyscenic_aucell"),
            ),
            *expand(
                "results/{dataset}/benchmark/grn/scan_motifs.tsv", dataset=SCANNED
            ),
            *expand(
                "results/{dataset}/benchmark/grn/enrich_motifs.tsv",
                dataset=datasets_with(
                    "grn.cistromes.method", "cistarget", "motif_scan"
                ),
            ),
            *expand(
                "results/{dataset}/benchmark/grn/contrast_motifs.tsv",
                dataset=datasets_with("grn.cistromes.method", "dem"),
            ),
            *expand(
                "results/{dataset}/benchmark/grn/enrich_modules.tsv",
                dataset=datasets_with("grn.cistromes.method", "cistarget_genes"),
            ),
            *expand(
                "results/{dataset}/benchmark/grn/run_pyscenic_ctx.tsv",
                dataset=datasets_with("grn.cistromes.method", "pyscenic_ctx"),
            ),
            *expand(
                "results/{dataset}/benchmark/pretrain/split_cells.tsv",
                dataset=FUSED,
            ),
            *expand(
                "results/{dataset}/benchmark/pretrain/join_splits.tsv",
                dataset=TRAINED_CORPORA,
            ),
            *expand(
                "results/{dataset}/benchmark/fuse/join_bundles.{graph}.tsv",
                dataset=TRAINED_CORPORA,
                graph=config["fuse"]["graphs"],
            ),
            *expand(
                "results/{dataset}/benchmark/prep/ingest_sample.{sample}.tsv",
                zip,
                dataset=SAMPLES["dataset"],
                sample=SAMPLES["sample"],
            ),
            *[
                f"results/{dataset}/benchmark/prep/{job}.{sample}.tsv"
                for dataset, sample in zip(FRAGMENTED["dataset"], FRAGMENTED["sample"])
                for job in ["scan_fragments", "import_fragments", "count_fragments"]
            ],
            *expand(
                "results/{dataset}/benchmark/prep/{job}.tsv",
                dataset=sorted(set(FRAGMENTED["dataset"])),
                job=["group_cells", "call_peaks"],
            ),
            *[
                f"results/{dataset}/benchmark/topics/fit_topics.{n_topics}.tsv"
                for dataset, settings in CONFIGS.items()
                for n_topics in settings["topics"]["n_topics"]
            ],
            *[
                f"results/{dataset}/benchmark/topics/run_pycistopic.{n_topics}.tsv"
                for dataset in datasets_with("topics.method", "pycistopic")
                for n_topics in CONFIGS[dataset]["topics"]["n_topics"]
            ],
            *expand(
                "results/{dataset}/benchmark/fuse/build_graph.{graph}.tsv",
                dataset=FUSED,
                graph=config["fuse"]["graphs"],
            ),
            *expand(
                "results/{dataset}/benchmark/pretrain/pretrain_model.{arm}.seed{seed}.tsv",
                dataset=TRAINED,
                arm=config["pretrain"]["arms"],
                seed=config["pretrain"]["seeds"],
            ),
            *expand(
                "results/{dataset}/benchmark/attention/analyse_attention.{arm}.tsv",
                dataset=PRETRAINED,
                arm=ATTENTIVE,
            ),
            *expand(
                "results/{dataset}/benchmark/embed/embed_anndata.{cells}.tsv",
                dataset=TRAINED,
                cells=EMBED["inputs"],
            ),
            *expand(
                "results/{dataset}/benchmark/bench/score_grn_accuracy.tsv",
                dataset=CHIP_DATASETS,
            ),
            *[
                f"results/benchmark/bench/compare_networks.{left}.{right}.tsv"
                for left, right in config["bench"]["compare"]
            ],
            *(["results/benchmark/bench/prepare_drug_response.tsv"] if SPLITS else []),
            *expand(
                "results/benchmark/bench/{job}.{split}.tsv",
                job=[
                    "split_drug_response",
                    "predict_baselines",
                    "train_expression_reference",
                ],
                split=SPLITS,
            ),
            *expand(
                "results/{dataset}/benchmark/bench/embed_lines.{arm}.tsv",
                dataset=TRAINED if SPLITS else [],
                arm=config["pretrain"]["arms"],
            ),
            *expand(
                "results/{dataset}/benchmark/bench/train_drug_response.{arm}.{split}.tsv",
                dataset=TRAINED,
                arm=config["pretrain"]["arms"],
                split=SPLITS,
            ),
            *expand(
                "results/{dataset}/benchmark/bench/score_drug_response.tsv",
                dataset=TRAINED if SPLITS else [],
            ),
        ],
    output:
        page=report(
            "results/report/index.html",
            caption="../report/page.rst",
            category="Report",
            labels={"what": "the whole report"},
        ),
        tables=report(
            directory("results/report/tables"),
            patterns=["{table}.tsv"],
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
    log:
        "results/log/report/render_report.log",
    benchmark:
        "results/benchmark/report/render_report.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        config=config,
        configs=CONFIGS,
        corpora=TRAINED_CORPORA,
        registry=RESOURCES,
        samples=SAMPLES.to_dict("records"),
        commit=commit_of_checkout,
        code=code("report/render_report"),
    message:
        "Rendering the report"
    script:
        "../scripts/report/render_report.py"
