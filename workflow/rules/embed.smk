# embed: cells of any .h5ad or .zarr by a pretrained model, their graphs by reference mapping; genes of a model; models to
# give away.
from grnformer.workflow.model_folder import files_of_bundle

EMBED = config["embed"]
EMBED_MODEL = f"<results>/{{dataset}}/pretrain/{EMBED['arm']}/seed{EMBED['model_seed']}"
# without inputs the arm need not be there
EMBED_ARM = config["pretrain"]["arms"].get(EMBED["arm"], {})
EMBED_BACKBONE = module_of(
    "grnformer.model.backbones",
    EMBED_ARM.get("backbone", config["pretrain"]["backbone"]),
)
OWN_OF_ARM = {
    name: bundle_name(arm | {"graph": "own"})
    for name, arm in config["pretrain"]["arms"].items()
}
VOCABULARY_OF = {arm: VOCABULARIES[own] for arm, own in OWN_OF_ARM.items()}
ALIASES_BY_ARM = {arm: ALIASES_OF[own] for arm, own in OWN_OF_ARM.items()}
EMBED_VOCABULARY = bundle_name(EMBED_ARM | {"graph": "own"})
EMBED_FILES = {name: path_of(path) for name, path in EMBED["inputs"].items()}
ALL_BACKBONES = [
    module_of("grnformer.model.backbones", name)
    for name in names("grnformer.model.backbones")
]
EMBED_CODE = code("embed/embed_anndata", EMBED_BACKBONE)
# a model bundle takes the place of the run's models, and needs none of them
EMBED_BUNDLE = {}
if EMBED["model"]:
    try:
        EMBED_BUNDLE = files_of_bundle(locate(EMBED["model"], CHECKOUT))
    except InputError as error:
        raise WorkflowError(str(error)) from None
REPORTED["embedded"] = expand(
    "<results>/{dataset}/embed/{cells}.h5ad",
    dataset=[] if EMBED_BUNDLE else TRAINED,
    cells=EMBED["inputs"],
)
REPORTED["embedded_by_bundle"] = expand(
    "<results>/embed/{cells}.h5ad", cells=EMBED["inputs"] if EMBED_BUNDLE else []
)


wildcard_constraints:
    cells="[A-Za-z0-9_-]+",


rule embed:
    input:
        REPORTED["embedded"],
        REPORTED["embedded_by_bundle"],
        (
            f"<results>/{REPORT}/embed/index.html"
            if REPORTED["embedded"] or REPORTED["embedded_by_bundle"]
            else []
        ),
    localrule: True


rule bundle:
    input:
        expand(
            "<results>/{dataset}/embed/bundle/{arm}/seed{seed}",
            dataset=TRAINED,
            arm=EMBED["arm"],
            seed=EMBED["model_seed"],
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
        code=EMBED_CODE,
    message:
        "Embedding {wildcards.cells} by a model of {wildcards.dataset}"
    script:
        "../scripts/embed/embed_anndata.py"


use rule embed_anndata as embed_anndata_by_bundle with:
    input:
        **EMBED_BUNDLE,
        cells=lookup(dpath="{cells}", within=EMBED_FILES),
    output:
        "<results>/embed/{cells}.h5ad",
    log:
        "<logs>/embed/embed_anndata.{cells}.log",
    benchmark:
        "<benchmarks>/embed/embed_anndata.{cells}.tsv"
    params:
        settings={key: EMBED[key] for key in ("batch_size", "seed", "mapping")},
        bulk=EMBED["bulk"],
        # the bundle says which backbone it has
        code=code("embed/embed_anndata", *ALL_BACKBONES),
    message:
        "Embedding {wildcards.cells} by a model bundle"


rule bundle_model:
    input:
        weights="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.safetensors",
        card="<results>/{dataset}/pretrain/{arm}/seed{seed}/model.json",
        reference="<results>/{dataset}/pretrain/{arm}/seed{seed}/reference.parquet",
        heldout="<results>/{dataset}/pretrain/{arm}/seed{seed}/heldout.json",
        graph=lookup(dpath="{arm}", within=BUNDLES),
        vocabulary=lookup(dpath="{arm}", within=VOCABULARY_OF),
        aliases=lookup(dpath="{arm}", within=ALIASES_BY_ARM),
        licence=path_of(EMBED["bundle"]["licence"]),
    output:
        directory("<results>/{dataset}/embed/bundle/{arm}/seed{seed}"),
    log:
        "<logs>/{dataset}/embed/bundle_model.{arm}.seed{seed}.log",
    benchmark:
        "<benchmarks>/{dataset}/embed/bundle_model.{arm}.seed{seed}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000, per_mb=10),
        runtime=growing(15, per_mb=0.1),
    params:
        use=EMBED["bundle"]["use"],
        licences={
            f"sha256:{entry['sha256']}": entry["licence"]
            for entry in RESOURCES.values()
        },
        # not read: arms of other backbones differ in code
        arm=lookup(dpath="pretrain/arms/{arm}", within=config),
        code=code("embed/bundle_model", at="arm"),
    message:
        "Bundling arm {wildcards.arm}, seed {wildcards.seed}, of {wildcards.dataset}"
    script:
        "../scripts/embed/bundle_model.py"


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
