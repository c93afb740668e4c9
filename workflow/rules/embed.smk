# embed: cells of any .h5ad or .zarr by a pretrained model, their graphs by reference mapping.
EMBED = config["embed"]
EMBED_MODEL = f"<results>/{{dataset}}/pretrain/{EMBED['arm']}/seed{EMBED['model_seed']}"
EMBED_FILES = {name: path_of(path) for name, path in EMBED["inputs"].items()}


wildcard_constraints:
    cells="[A-Za-z0-9_-]+",


rule embed:
    input:
        expand(
            "<results>/{dataset}/embed/{cells}.h5ad",
            dataset=TRAINED,
            cells=EMBED["inputs"],
        ),
    localrule: True


rule embed_anndata:
    input:
        cells=lookup(dpath="{cells}", within=EMBED_FILES),
        weights=f"{EMBED_MODEL}/model.safetensors",
        card=f"{EMBED_MODEL}/model.json",
        reference=f"{EMBED_MODEL}/reference.parquet",
        bundle=f"<results>/{{dataset}}/fuse/{ARMS.get(EMBED['arm'])}",
        vocabulary=VOCABULARY,
        aliases=ALIASES,
    output:
        "<results>/{dataset}/embed/{cells}.h5ad",
    log:
        "<logs>/{dataset}/embed/embed_anndata.{cells}.log",
    benchmark:
        "<benchmarks>/{dataset}/embed/embed_anndata.{cells}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=20),
        runtime=growing(60, per_mb=2),
    params:
        settings={key: EMBED[key] for key in ("batch_size", "seed", "mapping")},
        bulk=EMBED["bulk"],
        code=code("embed/embed_anndata", BACKBONE),
    message:
        "Embedding {wildcards.cells} by a model of {wildcards.dataset}"
    script:
        "../scripts/embed/embed_anndata.py"
