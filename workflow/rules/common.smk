# What several stages use: configuration, sample sheet, functions of them. What one stage uses is beside its rules.
import sys

from snakemake.exceptions import WorkflowError

if CHECKOUT.name != "_workflow":  # inside an installed package, it is found
    if not (CHECKOUT / "grnformer").is_dir():
        raise WorkflowError(
            "The workflow needs the package beside it: clone the repository, and name its workflow/Snakefile by a path."
        )
    sys.path.insert(0, str(CHECKOUT))

from grnformer.settings.read import check_config, complete
from grnformer.workflow.config import (
    check_models,
    check_paths,
    config_of_datasets,
    locate,
    read_registry,
    read_samples,
    resource_name,
)
from grnformer.workflow.config_files import check_config_files
from grnformer.core.errors import InputError
from grnformer.core.fingerprint import fingerprint, fingerprint_program, use_checkout
from grnformer.grn.cistromes import check_motif_settings, check_without_atac
from grnformer.grn.stability import check_stability_settings
from grnformer.core.methods import module_of
from grnformer.workflow.arms import backbone_by_arm
from grnformer.workflow.originals import PACKAGES, check_interpreters, is_original
from grnformer.workflow.contents import pinned
from grnformer.workflow.lookups import Lookup, as_json, by_size, chosen, growing, one_of
from grnformer.workflow.samples import check_unpaired, files_in, rna_alone

config = {key: part for key, part in config.items() if key != "pathvars"}  # Snakemake's
BY_CONDA = "conda" in map(str, workflow.deployment_settings.deployment_method)

try:
    use_checkout(CHECKOUT, BY_CONDA)
    check_config_files(workflow.configfiles, sys.argv)
    check_config(config := complete(config))
    RESOURCES = read_registry(locate(config["resources"]["registry"], CHECKOUT))
    SAMPLES = read_samples(
        locate(config["samples"], CHECKOUT), config, RESOURCES, CHECKOUT
    )
    DATASETS = sorted(SAMPLES["dataset"].unique())
    CONFIGS = config_of_datasets(config, DATASETS)
    check_without_atac(CONFIGS, rna_alone(SAMPLES))
    for of_dataset in CONFIGS.values():
        check_motif_settings(of_dataset["grn"]["cistromes"])
        check_stability_settings(of_dataset["grn"])
    check_paths(config, RESOURCES, CHECKOUT)
    CORPORA = config["pretrain"]["corpora"]
    check_unpaired(CONFIGS, SAMPLES)
    check_models(config, dict(zip(SAMPLES["dataset"], SAMPLES["genome"])))
    if not BY_CONDA:
        check_interpreters(CONFIGS.values(), CHECKOUT)
except InputError as error:
    raise WorkflowError(str(error)) from None

setting, method_setting = Lookup(CONFIGS).setting, Lookup(CONFIGS).method
PRETRAINED = chosen(DATASETS, config["pretrain"]["datasets"])
TRAINED_CORPORA = chosen(CORPORA, config["pretrain"]["datasets"])
TRAINED = [*PRETRAINED, *TRAINED_CORPORA]  # what models are of: datasets and corpora
BACKBONE_OF = backbone_by_arm(config["pretrain"])
ARMS = {name: arm["graph"] for name, arm in config["pretrain"]["arms"].items()}
REPORT = Path("report", config["report"]["name"]).as_posix()  # its folder
REPORTED = {}  # name -> files that the report reads; every stage adds its own


wildcard_constraints:
    dataset=one_of([*DATASETS, *CORPORA]),
    sample="[A-Za-z0-9_.-]+",
    arm=one_of(ARMS),
    seed=r"\d+",


def path_of(reference):
    """File behind an entry of the config or the sample sheet: `resource:<name>`, or a path; [] where it is null."""
    if reference is None:
        return []
    if name := resource_name(reference):
        path = rules.fetch_resource.output[0].format(resource=name)
        return pinned(path, RESOURCES.get(name, {}).get("sha256"))
    return local(locate(reference, CHECKOUT))  # a module's prefix is for what it writes


def files_of(reference):
    """As `path_of`; of a folder (10x matrices, motifs), the files in it."""
    path = path_of(reference)
    return [local(file) for file in files_in(path)] or path


def setting_path(place, column=None):
    """Input function: the files behind the entry of a dataset's config at `place`, or behind those of a list of them."""

    def of_dataset(wildcards):
        entries = setting(place)(wildcards)
        if not isinstance(entries, list):
            return files_of(entries)
        return [path_of(entry[column] if column else entry) for entry in entries]

    return of_dataset


def code(script, *methods, at=None):
    """Fingerprint of the code of workflow/scripts/<script>.py and of the methods it loads: named, `at` a place of the config, of the graph or arm."""
    path = CHECKOUT / f"workflow/scripts/{script}.py"

    def of_dataset(wildcards):
        if at == "graph":
            method = module_of("grnformer.graph.modes", wildcards.graph)
        elif at == "arm":
            method = module_of("grnformer.model.backbones", BACKBONE_OF[wildcards.arm])
        else:
            method = module_of(PACKAGES[at], setting(at)(wildcards))
        return fingerprint(path, *methods, method)

    return of_dataset if at else fingerprint(path, *methods)


def original(rule, environment):
    """Params where an original tool runs: its Python, the program workflow/originals/<rule>.py, its fingerprint."""
    python = locate(config["environments"][environment], CHECKOUT)
    program = CHECKOUT / f"workflow/originals/{rule}.py"
    return {
        "python": "python" if BY_CONDA else python,
        "program": str(program),
        "code": fingerprint_program(program),
    }


def by_original(place, *patterns):
    """Input function: the files behind the patterns, where the method at `place` is an original tool."""

    def of_wildcards(wildcards):
        method = setting(f"{place}.method")(wildcards)
        return [*patterns] if is_original(f"{place}.method", method) else []

    return of_wildcards


def of_members(pattern):
    """Input function: the files behind `pattern` of all datasets of a corpus; a dataset is a corpus of one."""

    def of_corpus(wildcards):
        corpus = CORPORA.get(wildcards.dataset, {"datasets": [wildcards.dataset]})
        return expand(pattern, dataset=corpus["datasets"], allow_missing=True)

    return of_corpus
