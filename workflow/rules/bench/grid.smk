# The ablation grid: its arms compared in held-out loss and in every benchmark that scores models of the dataset.
GRID = TRAINED if config["pretrain"]["grid"]["scales"] else []
SCORES_OF = {
    dataset: [
        path
        for name, paths in BENCHED.items()
        if name.endswith("_scores")
        for path in paths
        if path.startswith(f"<results>/{dataset}/")
    ]
    for dataset in GRID
}
BENCHED["grid"] = expand("<results>/{dataset}/bench/grid.tsv", dataset=GRID)


rule compare_grid:
    input:
        heldout=expand(
            "<results>/{dataset}/pretrain/{arm}/seed{seed}/heldout.json",
            arm=ARMS,
            seed=config["pretrain"]["seeds"],
            allow_missing=True,
        ),
        scores=lookup(dpath="{dataset}", within=SCORES_OF, default=[]),
    output:
        "<results>/{dataset}/bench/grid.tsv",
    log:
        "<logs>/{dataset}/bench/compare_grid.log",
    benchmark:
        "<benchmarks>/{dataset}/bench/compare_grid.tsv"
    conda:
        "../../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=20),
        runtime=growing(20, per_mb=1),
    params:
        arms=config["pretrain"]["arms"],
        backbone=config["pretrain"]["backbone"],
        n_resamples=config["bench"]["n_resamples"],
        seed=config["bench"]["seed"],
        code=code("bench/compare_grid"),
    message:
        "Comparing the arms of the grid on {wildcards.dataset}"
    script:
        "../../scripts/bench/compare_grid.py"
