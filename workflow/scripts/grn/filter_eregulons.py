"""Quality of each eRegulon (does its TF follow its targets?), and those that are kept."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_modality, read_table, write_table
    from grnformer.grn.eregulons.filter import assess_and_filter
    from grnformer.grn.eregulons.funnel import check_not_empty
    from grnformer.grn.inputs import align_topics
    from grnformer.grn.stability import count_stable, keep_stable

    given, made, options = snakemake.input, snakemake.output, snakemake.params
    rna, atac = (
        read_modality(given.multiome, name, "multiome") for name in ("rna", "atac")
    )
    topics = (
        read_table(given.cell_topic, "cell_topic"),
        read_table(given.region_topic, "region_topic"),
    )
    main, *reruns = (
        read_table(path, "eregulons") for path in (given.eregulons, *given.reruns)
    )
    stable = keep_stable(main, reruns, **options.min_frequency, **options.min_targets)
    funnel = count_stable(
        read_table(given.funnel, "funnel"), stable, **options.min_frequency
    )
    eregulons, funnel, quality, regions = assess_and_filter(
        stable, funnel, rna, atac, *align_topics(*topics, rna.obs_names, atac.var_names),
        **options.settings, **options.aucell, seed=options.seed,
    )  # fmt: skip
    write_table(quality, made.quality, "eregulon_quality")
    check_not_empty(funnel)
    write_table(eregulons, made.eregulons, "eregulons")
    write_table(funnel, made.funnel, "funnel")
    write_table(regions, made.region_activity, "region_activity")
