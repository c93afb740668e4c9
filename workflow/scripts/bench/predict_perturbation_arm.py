"""Predict responses to unseen perturbations by the embeddings of genes of one arm of pretraining, one a seed."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.bench.perturbation.evidence import read_knowledge
    from grnformer.bench.perturbation.expression import read_expression
    from grnformer.bench.perturbation.labels import read_labels
    from grnformer.bench.perturbation.score import predict_by_model
    from grnformer.core import io
    from grnformer.model.alike import check_trained_alike

    given, out, of = snakemake.input, snakemake.output, snakemake.wildcards
    check_trained_alike(given.cards)
    labels = read_labels(given.labels)
    predictions, choices = predict_by_model(
        labels,
        of.label,
        [io.read_table(path, "gene_embedding") for path in given.genes],
        read_knowledge(given.pathways, given.complexes, given.interactions),
        read_expression(given.expression, labels.perturbations),
        of.arm,
        n_folds=snakemake.params.n_folds,
        seed=snakemake.params.seed,
        shifts=[io.read_table(path, "set_screen") for path in given.shifts],
    )
    io.write_table(predictions, out.predictions, "perturbation_predictions")
    choices = choices.assign(screen=of.screen, label=of.label)
    io.write_table(choices, out.choices, "perturbation_choices")
