# Helpers shared by the stages: the checked config, the sample sheet, code fingerprints.
import json
import re
import sys

sys.path.insert(0, workflow.basedir)

from grnformer.bench.compare import costly_rules
from grnformer.settings.read import check_config, complete
from grnformer.workflow.config import (
    DATA_GRAPHS,
    check_attention_settings,
    check_embed_settings,
    config_of_datasets,
    locate,
    read_registry,
    read_samples,
    resolve,
)
from grnformer.workflow.corpora import check_corpora
from grnformer.core.errors import InputError
from grnformer.core.fingerprint import fingerprint, fingerprint_program, use_checkout
from grnformer.grn.cistromes import (
    check_motif_settings,
    describe_method,
    motif_rules,
)
from grnformer.grn.stability import check_stability_settings
from grnformer.core.methods import module_of
from grnformer.workflow.originals import PACKAGES, check_interpreters, is_original
from grnformer.core.checkout import git_commit
from snakemake.exceptions import WorkflowError

use_checkout(workflow.basedir)

try:
    config.update(complete(config))
    check_config(config)
    RESOURCES = read_registry(locate(config["resources"]["registry"], workflow.basedir))
    SAMPLES = read_samples(
        locate(config["samples"], workflow.basedir), config, RESOURCES, workflow.basedir
    )
    DATASETS = sorted(SAMPLES["dataset"].unique())
    CONFIGS = config_of_datasets(config, DATASETS)
    for of_dataset in CONFIGS.values():
        check_motif_settings(of_dataset["grn"]["cistromes"])
        check_stability_settings(of_dataset["grn"])
    check_embed_settings(config)
    check_attention_settings(config)
    CORPORA = config["pretrain"]["corpora"]
    check_corpora(
        CORPORA,
        dict(zip(SAMPLES["dataset"], SAMPLES["genome"])),
        RESOURCES,
        workflow.basedir,
    )
except InputError as error:
    raise WorkflowError(str(error)) from None

FRAGMENTED = SAMPLES[SAMPLES["fragments"] != ""]  # samples given as fragments
PRETRAINED = [
    dataset
    for dataset in DATASETS
    if config["pretrain"]["datasets"] is None
    or dataset in config["pretrain"]["datasets"]
]
TRAINED_CORPORA = [
    corpus
    for corpus in CORPORA
    if config["pretrain"]["datasets"] is None
    or corpus in config["pretrain"]["datasets"]
]
TRAINED = [*PRETRAINED, *TRAINED_CORPORA]  # what models are of: datasets and corpora
MEMBERS = sorted(
    {name for corpus in TRAINED_CORPORA for name in CORPORA[corpus]["datasets"]}
)
# datasets whose graphs are built and cells split
FUSED = sorted({*PRETRAINED, *MEMBERS})
SCANNED = [
    dataset
    for dataset, of_dataset in CONFIGS.items()
    if "scan_motifs" in motif_rules(of_dataset["grn"]["cistromes"])
]
BACKBONE = module_of("grnformer.model.backbones", config["pretrain"]["backbone"])
ARMS = {name: arm["graph"] for name, arm in config["pretrain"]["arms"].items()}
CHIP_DATASETS = sorted(
    {line["dataset"] for line in config["bench"]["grn_accuracy"]["lines"]}
    & set(DATASETS)
)


BY_CONDA = "conda" in {
    str(method) for method in workflow.deployment_settings.deployment_method
}
if not BY_CONDA:
    try:
        check_interpreters(CONFIGS.values(), workflow.basedir)
    except InputError as error:
        raise WorkflowError(str(error)) from None


wildcard_constraints:
    dataset="[A-Za-z0-9_.-]+",
    sample="[A-Za-z0-9_.-]+",


def one_of(names):
    """Wildcard constraint: one of the names; without any, nothing."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


def code(script, *methods, at=None):
    """Fingerprint of the package modules used by workflow/scripts/<script>.py, with those of the methods it loads.

    With `at`, a place in the config such as grn.tf_gene.method: a params function, as datasets may differ in it.
    """
    path = Path(workflow.basedir) / "workflow" / "scripts" / f"{script}.py"

    def of_dataset(wildcards):
        chosen = module_of(PACKAGES[at], setting(at)(wildcards))
        return fingerprint(path, *methods, chosen)

    return fingerprint(path, *methods) if at is None else of_dataset


def lines_of(wildcards):
    """Cell types of a dataset with ChIP-seq of their own cell line: cell type -> line."""
    return {
        row["cell_type"]: row["line"]
        for row in config["bench"]["grn_accuracy"]["lines"]
        if row["dataset"] == wildcards.dataset
    }


def path_of(reference):
    """File behind a config or sample-sheet entry: `resource:<name>`, or a path."""
    return locate(resolve(reference), workflow.basedir)


def setting(place, *keys):
    """Params function: the part of a dataset's config at `place` (grn.tfs), or the named keys of that part."""

    def of_dataset(wildcards):
        part = CONFIGS[wildcards.dataset]
        for key in place.split("."):
            part = part[key]
        return {key: part[key] for key in keys} if keys else part

    return of_dataset


def method_setting(place, *keys):
    """As `setting`, with the method, the method's own settings (if it has any) and the named keys."""

    def of_dataset(wildcards):
        part = setting(place)(wildcards)
        own = [part["method"]] if part["method"] in part else []
        return {key: part[key] for key in ("method", *own, *keys)}

    return of_dataset


def datasets_with(place, *values):
    """Datasets whose setting at `place` is one of the values."""
    return [
        dataset
        for dataset, settings in CONFIGS.items()
        if lookup(dpath=place.replace(".", "/"), within=settings) in values
    ]


def setting_path(place):
    """Input function: the file behind a path or resource in a dataset's config; [] where it is null."""

    def of_dataset(wildcards):
        reference = setting(place)(wildcards)
        return [] if reference is None else path_of(reference)

    return of_dataset


def interpreter(environment):
    """The Python of an environment of its own; within `--sdm conda`, the rule's environment has it as `python`."""
    if BY_CONDA:
        return "python"
    return locate(config["environments"][environment], workflow.basedir)


def program(rule):
    """Path of the program workflow/originals/<rule>.py, which runs in the environment of an original tool."""
    return locate(f"workflow/originals/{rule}.py", workflow.basedir)


def program_code(rule):
    """Fingerprint of that program and the files beside it that it imports."""
    return fingerprint_program(
        Path(workflow.basedir) / "workflow" / "originals" / f"{rule}.py"
    )


def as_json(of_dataset):
    """Params function: what `of_dataset` gives, as JSON for the command line of a program."""

    def of_wildcards(wildcards):
        return json.dumps(of_dataset(wildcards), sort_keys=True)

    return of_wildcards


def by_original(place, pattern):
    """Input function: the file behind `pattern`, where the method at `place` is an original tool; else []."""

    def of_dataset(wildcards):
        method = setting(f"{place}.method")(wildcards)
        if not is_original(f"{place}.method", method):
            return []
        return pattern.format(dataset=wildcards.dataset)

    return of_dataset


def samples_of(dataset):
    """Names of the samples of a dataset."""
    return SAMPLES.loc[SAMPLES["dataset"] == dataset, "sample"].tolist()


def sample_row(dataset, sample):
    """The sample sheet's row of one sample, as a dict without empty entries."""
    chosen = (SAMPLES["dataset"] == dataset) & (SAMPLES["sample"] == sample)
    row = SAMPLES[chosen].iloc[0]
    return {column: value for column, value in row.items() if value}


def genome_of(wildcards):
    """Name of the genome of a dataset."""
    return SAMPLES.loc[SAMPLES["dataset"] == wildcards.dataset, "genome"].iloc[0]


def tf_lists_of(wildcards):
    """Lists of TFs of a dataset."""
    return [path_of(entry) for entry in setting("grn.tfs.lists")(wildcards)]


def topic_models(pattern):
    """Input function: the files behind `pattern` of all topic counts of a dataset."""

    def files(wildcards):
        return expand(
            pattern,
            dataset=wildcards.dataset,
            n_topics=setting("topics.n_topics")(wildcards),
        )

    return files


def topics_by_original(wildcards):
    """Tables of the models that pycisTopic has fitted, where it is the method of the dataset's topics; else []."""
    method = setting("topics.method")(wildcards)
    if not is_original("topics.method", method):
        return []
    return expand(
        "results/{dataset}/topics/originals/{n_topics}/{table}.parquet",
        dataset=wildcards.dataset,
        n_topics=wildcards.n_topics,
        table=[
            "cell_topic",
            "region_topic",
            "partial_cell_topic",
            "partial_region_topic",
        ],
    )


def tss_of(wildcards):
    """File with the transcription start sites of a dataset's genome."""
    return path_of(config["genomes"][genome_of(wildcards)]["tss"])


def locate_row(dataset, sample):
    """The sample sheet's row of one sample, with paths in place of references; fragments are counted in `atac`."""
    row = sample_row(dataset, sample)
    for column in ("rna", "atac", "fragments", "annotation"):
        if column in row and not row[column].startswith("obs:"):
            row[column] = path_of(row[column])
    if "fragments" in row:
        folder = f"results/{dataset}/prep/fragments/{sample}"
        row["atac"] = f"{folder}/counts.h5ad"
        row["barcodes"] = f"{folder}/qc.tsv"
    return row


def located_row(wildcards):
    """The located row of one sample."""
    return locate_row(wildcards.dataset, wildcards.sample)


def located_rows(wildcards):
    """The located rows of all samples of a dataset."""
    return [
        locate_row(wildcards.dataset, sample)
        for sample in samples_of(wildcards.dataset)
    ]


def rna_of(wildcards):
    """Files of one sample's RNA."""
    return files_of(located_row(wildcards), "rna")


def rna_files_of(wildcards):
    """Files of RNA and annotation of all samples of a dataset."""
    return [
        file
        for row in located_rows(wildcards)
        for column in ("rna", "annotation")
        for file in files_of(row, column)
    ]


def files_of(row, column):
    """Files behind one column of a located row; of a folder that is no .zarr, the files in it."""
    if column not in row or row[column].startswith("obs:"):
        return []
    path = Path(row[column])
    if not path.is_dir() or path.suffix == ".zarr":
        return [str(path)]
    return sorted(str(file) for file in path.iterdir() if file.is_file())


def fragments_of(wildcards):
    """The fragments of one sample, and their index where it lies beside them, to unpack as inputs."""
    path = located_row(wildcards)["fragments"]
    index = Path(f"{path}.tbi")
    return {"fragments": path} | ({"tabix": str(index)} if index.exists() else {})


def of_genome(place):
    """Input function: the file of a dataset's genome in the config's map at `place`; [] where it has none."""

    def of_dataset(wildcards):
        reference = setting(place)(wildcards).get(genome_of(wildcards))
        return [] if reference is None else path_of(reference)

    return of_dataset


def sample_files(wildcards):
    """Files of one sample by column, to unpack as inputs; of a folder, the files in it."""
    row = located_row(wildcards)
    return {
        column: files_of(row, column)
        for column in ("rna", "atac", "barcodes", "annotation")
        if column in row
    }


def of_samples(pattern):
    """Input function: the files behind `pattern` of all samples of a dataset."""

    def files(wildcards):
        return expand(
            pattern, dataset=wildcards.dataset, sample=samples_of(wildcards.dataset)
        )

    return files


def bundle_of(wildcards):
    """Graph bundle that a pretraining arm is trained on."""
    graph = config["pretrain"]["arms"][wildcards.arm]["graph"]
    return f"results/{wildcards.dataset}/fuse/{graph}"


def of_members(pattern):
    """Input function: the files behind `pattern` of all datasets of a corpus."""

    def files(wildcards):
        return expand(
            pattern,
            dataset=CORPORA[wildcards.dataset]["datasets"],
            **{key: value for key, value in wildcards.items() if key != "dataset"},
        )

    return files


def members_of(wildcards):
    """Datasets of a corpus; [] of a dataset."""
    return CORPORA.get(wildcards.dataset, {"datasets": []})["datasets"]


def corpus_files_of(wildcards):
    """Paths of the files of a corpus that have no networks."""
    return [path_of(path) for path in CORPORA[wildcards.dataset]["files"].values()]


def corpus_file_names_of(wildcards):
    """Names of those files; [] of a dataset."""
    return list(CORPORA.get(wildcards.dataset, {"files": {}})["files"])


def cells_of(wildcards):
    """Cells of a dataset, or of all datasets and files of a corpus."""
    if wildcards.dataset not in CORPORA:
        return f"results/{wildcards.dataset}/prep/multiome.h5mu"
    multiomes = of_members("results/{dataset}/prep/multiome.h5mu")(wildcards)
    return [*multiomes, *corpus_files_of(wildcards)]


def embedded_path(wildcards):
    """The file of cells to embed."""
    return path_of(config["embed"]["inputs"][wildcards.cells])


def embedded_bundle(wildcards):
    """Graph bundle of the model that embeds them."""
    graph = ARMS[config["embed"]["arm"]]
    return f"results/{wildcards.dataset}/fuse/{graph}"


def cistrome_table_of(wildcards):
    """The table of motifs that the cistromes' method of a dataset reads; [] where it reads none."""
    table = describe_method(setting("grn.cistromes.method")(wildcards)).reads
    return f"results/{wildcards.dataset}/grn/{table.file}.parquet" if table else []


def scores_of(wildcards):
    """The score database of a dataset: the given one, or that of its own regions."""
    given = setting_path("grn.cistromes.dem.scores")(wildcards)
    return (
        given
        or f"results/{wildcards.dataset}/grn/motifs.regions_vs_motifs.scores.feather"
    )


def gene_rankings_of(wildcards):
    """The databases that rank genes, for a dataset whose cistromes are of genes."""
    given = setting("grn.cistromes.cistarget_genes.rankings")(wildcards)
    return [path_of(reference) for reference in given]


def rankings_of(wildcards):
    """The ranking database of a dataset: the given one, or that of its own regions."""
    if setting("grn.cistromes.method")(wildcards) == "cistarget":
        return setting_path("grn.cistromes.cistarget.rankings")(wildcards)
    return f"results/{wildcards.dataset}/grn/motifs.regions_vs_motifs.rankings.feather"


def where_motifs_rank_regions(of_dataset):
    """Input function: what `of_dataset` gives, where cistromes come from motifs' rankings of regions; else []."""

    def of_wildcards(wildcards):
        method = describe_method(setting("grn.cistromes.method")(wildcards))
        return of_dataset(wildcards) if method.ranks_regions else []

    return of_wildcards


def module_settings(wildcards):
    """Settings of motif enrichment in co-expression modules, with those of the motif-to-TF table."""
    evidence = setting(
        "grn.cistromes.cistarget", "motif_similarity_fdr", "orthologous_identity"
    )
    return setting("grn.cistromes.cistarget_genes")(wildcards) | evidence(wildcards)


def motif_files_of(wildcards):
    """The motif collection: one file, or those in a folder."""
    path = Path(setting_path("grn.cistromes.motif_scan.motifs")(wildcards))
    if not path.is_dir():
        return [str(path)]
    return sorted(str(file) for file in path.iterdir() if file.is_file())


def accuracy_of(side):
    """Input function: the summary of grn_accuracy of a compared dataset (wildcard `side`); [] where it is not run."""

    def of_pair(wildcards):
        dataset = getattr(wildcards, side)
        if dataset not in CHIP_DATASETS:
            return []
        return f"results/{dataset}/bench/grn_accuracy/summary.tsv"

    return of_pair


def costs_of(side):
    """Input function: benchmark files of a compared dataset's steps that have more than one method."""

    def of_pair(wildcards):
        dataset = getattr(wildcards, side)
        rules = costly_rules(CONFIGS[dataset]["grn"])
        files = [f"results/{dataset}/benchmark/grn/{rule}.tsv" for rule in rules]
        return files + costs_of_parts(dataset)

    return of_pair


BINDING = [
    dataset
    for dataset, settings in CONFIGS.items()
    if settings["grn"]["cistromes"]["promoter"]["promoters"]
]


def binding_of(wildcards):
    """Log odds of binding at promoters, where a dataset has promoter sequences; else []."""
    if wildcards.dataset not in BINDING:
        return []
    return f"results/{wildcards.dataset}/grn/promoter_binding.parquet"


def linked_if_binding(wildcards):
    """Region-gene links, where a dataset has promoter sequences; else []."""
    if wildcards.dataset not in BINDING:
        return []
    return f"results/{wildcards.dataset}/grn/region_gene.parquet"


def collection_files(column):
    """Input function: the `motifs` or `tfs` of a dataset's motif collections."""

    def of_dataset(wildcards):
        return [
            path_of(collection[column])
            for collection in setting("grn.cistromes.promoter.collections")(wildcards)
        ]

    return of_dataset


RERUN = [
    dataset
    for dataset, settings in CONFIGS.items()
    if settings["grn"]["stability"]["seeds"]
]


def of_reruns(product):
    """Input function: `product` of the stage grn in all reruns of a dataset; [] where there are none."""

    def of_dataset(wildcards):
        return expand(
            "results/{dataset}/grn/seeds/{seed}/{product}",
            dataset=wildcards.dataset,
            seed=setting("grn.stability.seeds")(wildcards),
            product=product,
        )

    return of_dataset


def of_all_runs(product):
    """Input function: `product` of the stage grn in the main run, then in all reruns."""

    def of_dataset(wildcards):
        main = f"results/{wildcards.dataset}/grn/{product}"
        return [main, *of_reruns(product)(wildcards)]

    return of_dataset


def seeds_of_all_runs(wildcards):
    """Seed of the main run, then those of the reruns."""
    return [
        setting("grn.seed")(wildcards),
        *setting("grn.stability.seeds")(wildcards),
    ]


def benchmarks_of_reruns():
    """Costs of the jobs of all reruns."""
    jobs = [
        "infer_tf_gene",
        "link_regions",
        "build_eregulons",
        "filter_eregulons",
        "score_cell_activity",
        "score_specificity",
        "build_cell_type_grns",
    ]
    return [
        f"results/{dataset}/benchmark/grn/{job}.seed{seed}.tsv"
        for dataset in RERUN
        for seed in CONFIGS[dataset]["grn"]["stability"]["seeds"]
        for job in jobs
    ]


def benchmarks_of_the_checkout():
    """Tables of the software's own benchmarks, as far as the checkout has them."""
    folder = Path(workflow.basedir) / "benchmarks" / "results"
    return sorted(str(path) for path in folder.glob("*.tsv"))


def commit_of_checkout(wildcards):
    """State of the checkout: another commit, or first changes, render the report again."""
    return git_commit(workflow.basedir)


def seed_of(wildcards):
    """The seed of a rerun."""
    return int(wildcards.seed)


def part_of(wildcards):
    """Which part of a scattered job this is, such as 2-of-50."""
    return wildcards.scatteritem


def parts_of_tf_gene(wildcards):
    """The parts of a TF-gene network, where its targets are scattered over jobs; [] where one job infers it."""
    if is_original("grn.tf_gene.method", setting("grn.tf_gene.method")(wildcards)):
        return []
    parts = gather.targets(
        "results/{{dataset}}/grn/tf_gene_parts/{scatteritem}.parquet"
    )
    return expand(parts, dataset=wildcards.dataset) if len(parts) > 1 else []


def costs_of_parts(dataset):
    """Benchmark files of the parts of a dataset's TF-gene network, where its targets are scattered over jobs."""
    if is_original("grn.tf_gene.method", CONFIGS[dataset]["grn"]["tf_gene"]["method"]):
        return []
    parts = gather.targets(
        "results/{{dataset}}/benchmark/grn/infer_tf_gene.{scatteritem}.tsv"
    )
    return expand(parts, dataset=dataset) if len(parts) > 1 else []


def cores_of_tf_gene(wildcards, input):
    """Many to infer a network, one to gather its parts."""
    return 1 if input.parts else 16


def growing(amount):
    """A resource (MB, minutes) that grows with each attempt, where the profile retries failed jobs."""

    def of_attempt(wildcards, attempt):
        return amount * attempt

    return of_attempt
