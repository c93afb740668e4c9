"""Pretrain one arm with one seed; resumes from its newest checkpoint."""

from grnformer.job import job

with job(snakemake):
    from grnformer import io
    from grnformer.fuse.graph import read_bundle
    from grnformer.fuse.vocabulary import read_medians
    from grnformer.model.saved import save_model
    from grnformer.train.cells import CellStore
    from grnformer.train.pretrain import pretrain

    inputs, params, output = snakemake.input, snakemake.params, snakemake.output
    bundle = read_bundle(inputs.bundle)
    split = io.read_table(inputs.split, "split")
    seed, threads = int(snakemake.wildcards.seed), snakemake.threads
    with CellStore(inputs.multiome, bundle.graph.genes["gene"].tolist()) as store:
        run = {"model_seed": seed, "checkpoints": params.checkpoints, "threads": threads}
        run |= {"checkpoint": inputs.checkpoint or None}
        run |= {"medians": read_medians(inputs.medians, inputs.vocabulary, bundle.graph.genes)}
        trained = pretrain(store, split, bundle, params.arm, params.settings, **run)
    save_model(trained.model, trained.card, output.weights, output.card)
    io.write_table(trained.curve, output.training, "training")
    io.write_json(trained.heldout, output.heldout, "heldout")
    io.write_table(trained.reference, output.reference, "reference_embedding")
