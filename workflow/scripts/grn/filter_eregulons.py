"""Quality of each eRegulon (does its TF follow its targets?), and those that are kept."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.io import read_modality, read_table, write_table
    from grnformer.grn.eregulons.filter import assess_and_filter
    from grnformer.grn.eregulons.funnel import check_not_empty
    from grnformer.grn.inputs import read_regions
    from grnformer.grn.stability import TRIPLET, count_stable, keep_stable

    given, made, options = snakemake.input, snakemake.output, snakemake.params
    rna = read_modality(given.multiome, "rna", "multiome")
    regions = read_regions(given.multiome, given.topics, rna.obs_names)
    main = read_table(given.eregulons, "eregulons")
    reruns = [read_table(path, "eregulons", TRIPLET) for path in given.reruns]
    stable = keep_stable(main, reruns, **options.min_frequency, **options.min_targets)
    funnel = count_stable(
        read_table(given.funnel, "funnel"), stable, **options.min_frequency
    )
    eregulons, funnel, quality, activity = assess_and_filter(
        stable,
        funnel,
        rna,
        *regions,
        **options.settings,
        **options.aucell,
        seed=options.seed,
    )
    write_table(quality, made.quality, "eregulon_quality")
    check_not_empty(funnel)
    write_table(eregulons, made.eregulons, "eregulons")
    write_table(funnel, made.funnel, "funnel")
    write_table(activity, made.region_activity, "region_activity")
