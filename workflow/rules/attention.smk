# attention: what the adapters attend to in held-out cells, by arm; arms without an adapter have none.
ATTENTION = {key: value for key, value in config["attention"].items() if key != "arms"}
ADAPTED = [name for name, arm in config["pretrain"]["arms"].items() if arm["adapter"]]
ATTENTIVE = chosen(ADAPTED, config["attention"]["arms"])
ATTENDED_SIZES = {
    arm: {
        key: settings["size"][key]
        for key in ("mask_fraction", "gene_start", "block_cells", "held_blocks")
    }
    for arm, settings in SETTINGS_OF.items()
}
REPORTED["attention"] = expand(
    "<results>/{dataset}/attention/{arm}/{table}",
    dataset=PRETRAINED,
    arm=ATTENTIVE,
    table=[
        "enrichment.tsv",
        "mass.parquet",
        "pairs.tsv",
        "pair_scores.tsv",
        "contribution.tsv",
    ],
)


rule attention:
    input:
        expand(
            "<results>/{dataset}/attention/{arm}/enrichment.tsv",
            dataset=PRETRAINED,
            arm=ATTENTIVE,
        ),
        f"<results>/{REPORT}/attention/index.html" if REPORTED["attention"] else [],
    localrule: True


rule analyse_attention:
    input:
        multiome="<results>/{dataset}/prep/multiome.h5mu",
        split="<results>/{dataset}/pretrain/split.tsv",
        networks="<results>/{dataset}/grn/cell_type",
        bundle=lookup(dpath="{arm}", within=BUNDLES),
        weights=expand(
            "<results>/{{dataset}}/pretrain/{{arm}}/seed{seed}/model.safetensors",
            seed=config["pretrain"]["seeds"],
        ),
        cards=expand(
            "<results>/{{dataset}}/pretrain/{{arm}}/seed{seed}/model.json",
            seed=config["pretrain"]["seeds"],
        ),
        checkpoint=path_of(config["pretrain"]["checkpoint"]),
    output:
        enrichment="<results>/{dataset}/attention/{arm}/enrichment.tsv",
        mass="<results>/{dataset}/attention/{arm}/mass.parquet",
        pairs="<results>/{dataset}/attention/{arm}/pairs.tsv",
        pair_scores="<results>/{dataset}/attention/{arm}/pair_scores.tsv",
        contribution="<results>/{dataset}/attention/{arm}/contribution.tsv",
    log:
        "<logs>/{dataset}/attention/analyse_attention.{arm}.log",
    benchmark:
        "<benchmarks>/{dataset}/attention/analyse_attention.{arm}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000, per_mb=20),
        runtime=growing(60, per_mb=1),
    params:
        settings=ATTENTION,
        # not read: arms of other backbones differ in size and code
        arm=lookup(dpath="pretrain/arms/{arm}", within=config),
        size=lookup(dpath="{arm}", within=ATTENDED_SIZES),
        code=code("attention/analyse_attention", at="arm"),
    message:
        "Analysing the attention of arm {wildcards.arm} on {wildcards.dataset}"
    script:
        "../scripts/attention/analyse_attention.py"
