"""Predict the profiles of held-out perturbations by baselines, graphs and networks."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.perturbation.evidence import read_knowledge
    from grnformer.bench.perturbation.expression import read_expression
    from grnformer.bench.perturbation.score import signed_pairs
    from grnformer.bench.perturbation_profiles.cells import perturbed_genes
    from grnformer.bench.perturbation_profiles.score import (
        predict_profiles,
        read_by_arm,
    )
    from grnformer.core import io
    from grnformer.model.alike import check_trained_alike

    given, out, of = snakemake.input, snakemake.output, snakemake.wildcards
    profiles = io.read_anndata(given.profiles, "perturbation_profiles")
    if given.expression:
        genes = perturbed_genes(profiles.obs["perturbation"])
        expression = read_expression(given.expression, genes)
    else:
        controls = io.read_table(given.controls, "control_expression")
        expression = controls.set_index("cell")
    networks = {
        f"network_{name}": signed_pairs(io.read_table(path, "tf_gene"))
        for name, path in zip(snakemake.params.networks, given.networks, strict=True)
    }
    check_trained_alike(given.cards)
    predictions, choices = predict_profiles(
        profiles,
        io.read_table(given.split, "perturbation_split"),
        read_knowledge(given.pathways, given.complexes, given.interactions),
        expression,
        networks,
        read_by_arm(given.genes, "gene_embedding"),
        seed=snakemake.params.seed,
        shifts=read_by_arm(given.shifts, "set_screen"),
    )
    io.write_anndata(predictions, out.predictions, "profile_predictions")
    choices = choices.assign(screen=of.profiled, split=of.held_out)
    io.write_table(choices, out.choices, "profile_choices")
