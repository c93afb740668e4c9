"""Predict which genes respond to unseen perturbations of a screen, or which way, by baselines and graphs."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.perturbation.evidence import read_knowledge
    from grnformer.bench.perturbation.expression import read_expression
    from grnformer.bench.perturbation.labels import read_labels
    from grnformer.bench.perturbation.score import predict_screen
    from grnformer.core import io

    given, out, of = snakemake.input, snakemake.output, snakemake.wildcards
    labels = read_labels(given.labels)
    known = read_knowledge(given.pathways, given.complexes, given.interactions)
    expression = read_expression(given.expression, labels.perturbations)
    predictions, choices = predict_screen(
        labels,
        of.label,
        known,
        expression,
        n_folds=snakemake.params.n_folds,
        seed=snakemake.params.seed,
    )
    io.write_table(predictions, out.predictions, "perturbation_predictions")
    choices = choices.assign(screen=of.screen, label=of.label)
    io.write_table(choices, out.choices, "perturbation_choices")
