# embed: cells of any .h5ad or .zarr by a pretrained model, their graphs by reference mapping.
EMBED = config["embed"]
EMBED_MODEL = f"results/{{dataset}}/pretrain/{EMBED['arm']}/seed{EMBED['model_seed']}"


localrules:
    embed,


wildcard_constraints:
    cells="[A-Za-z0-9_-]+",


rule embed:
    input:
        expand(
            "results/{dataset}/embed/{cells}.h5ad",
            dataset=TRAINED,
            cells=EMBED["inputs"],
        ),


rule embed_anndata:
    input:
        cells=embedded_path,
        weights=f"{EMBED_MODEL}/model.safetensors",
        card=f"{EMBED_MODEL}/model.json",
        reference=f"{EMBED_MODEL}/reference.parquet",
        bundle=embedded_bundle,
        vocabulary=VOCABULARY,
        aliases=ALIASES,
    output:
        "results/{dataset}/embed/{cells}.h5ad",
    log:
        "results/{dataset}/log/embed/embed_anndata.{cells}.log",
    benchmark:
        "results/{dataset}/benchmark/embed/embed_anndata.{cells}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        settings={key: EMBED[key] for key in ("batch_size", "seed", "mapping")},
        code=code("embed/embed_anndata", BACKBONE),
    message:
        "Embedding {wildcards.cells} by a model of {wildcards.dataset}"
    script:
        "../scripts/embed/embed_anndata.py"
