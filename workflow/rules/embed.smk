# embed: cells of any .h5ad or .zarr by a pretrained model, their graphs by reference mapping; genes of a model.
EMBED = config["embed"]
EMBED_MODEL = f"<results>/{{dataset}}/pretrain/{EMBED['arm']}/seed{EMBED['model_seed']}"
# without inputs the arm need not be there
EMBED_ARM = config["pretrain"]["arms"].get(EMBED["arm"], {})
EMBED_BACKBONE = module_of(
    "grnformer.model.backbones",
    EMBED_ARM.get("backbone", config["pretrain"]["backbone"]),
)
EMBED_VOCABULARY = bundle_name(EMBED_ARM | {"graph": "own"})
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
        bundle=BUNDLES.get(EMBED["arm"], []),
        vocabulary=VOCABULARIES[EMBED_VOCABULARY],
        aliases=ALIASES_OF[EMBED_VOCABULARY],
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
        code=code("embed/embed_anndata", EMBED_BACKBONE),
    message:
        "Embedding {wildcards.cells} by a model of {wildcards.dataset}"
    script:
        "../scripts/embed/embed_anndata.py"


rule embed_genes:
    input:
        multiomes=of_members("<results>/{dataset}/prep/multiome.h5mu"),
        files=lookup(dpath="{dataset}", within=CORPUS_FILES, default=[]),
        split="<results>/{dataset}/pretrain/split.tsv",
        weights="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.safetensors",
        card="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
        bundle=lookup(dpath="{arm}", within=BUNDLES),
    output:
        "<results>/{dataset}/embed/{arm}/seed{seed}/genes.parquet",
    log:
        "<logs>/{dataset}/embed/embed_genes.{arm}.seed{seed}.log",
    benchmark:
        "<benchmarks>/{dataset}/embed/embed_genes.{arm}.seed{seed}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=20),
        runtime=growing(60, per_mb=2),
    params:
        members=lookup(dpath="{dataset}/datasets", within=CORPORA, default=[]),
        files=lookup(dpath="{dataset}/files", within=CORPORA, default={}),
        # not read: arms of other backbones differ in code
        arm=lookup(dpath="pretrain/arms/{arm}", within=config),
        settings={key: EMBED[key] for key in ("batch_size", "seed", "gene_cells")},
        code=code("embed/embed_genes", at="arm"),
    message:
        "Embedding genes by arm {wildcards.arm}, seed {wildcards.seed}, of {wildcards.dataset}"
    script:
        "../scripts/embed/embed_genes.py"
