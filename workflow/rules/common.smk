# Helpers shared by the stages: the checked config, the sample sheet, code fingerprints.
import sys

sys.path.insert(0, workflow.basedir)

from grnformer.config import (
    DATA_GRAPHS,
    check_config,
    locate,
    read_registry,
    read_samples,
    resolve,
)
from grnformer.errors import InputError
from grnformer.fingerprint import fingerprint, use_checkout
from grnformer.grn.cistromes.build import check_motif_settings
from snakemake.exceptions import WorkflowError

use_checkout(workflow.basedir)

try:
    check_config(config)
    check_motif_settings(config["grn"]["cistromes"])
    RESOURCES = read_registry(locate(config["resources"]["registry"], workflow.basedir))
    SAMPLES = read_samples(
        locate(config["samples"], workflow.basedir), config, RESOURCES, workflow.basedir
    )
except InputError as error:
    raise WorkflowError(str(error)) from None

DATASETS = sorted(SAMPLES["dataset"].unique())
ARMS = {name: arm["graph"] for name, arm in config["pretrain"]["arms"].items()}
CHIP_DATASETS = sorted(
    {line["dataset"] for line in config["bench"]["grn_accuracy"]["lines"]}
    & set(DATASETS)
)


wildcard_constraints:
    dataset="[A-Za-z0-9_.-]+",
    sample="[A-Za-z0-9_.-]+",


def code(script):
    """Fingerprint of the package modules used by workflow/scripts/<script>.py."""
    return fingerprint(Path(workflow.basedir) / "workflow" / "scripts" / f"{script}.py")


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


def samples_of(dataset):
    """Names of the samples of a dataset."""
    return SAMPLES.loc[SAMPLES["dataset"] == dataset, "sample"].tolist()


def sample_row(wildcards):
    """The sample sheet's row of one sample, as a dict without empty entries."""
    chosen = (SAMPLES["dataset"] == wildcards.dataset) & (
        SAMPLES["sample"] == wildcards.sample
    )
    row = SAMPLES[chosen].iloc[0]
    return {column: value for column, value in row.items() if value}


def genome_of(wildcards):
    """Name of the genome of a dataset."""
    return SAMPLES.loc[SAMPLES["dataset"] == wildcards.dataset, "genome"].iloc[0]


def tss_of(wildcards):
    """File with the transcription start sites of a dataset's genome."""
    return path_of(config["genomes"][genome_of(wildcards)]["tss"])


def located_row(wildcards):
    """The sample sheet's row of one sample, with paths in place of references."""
    row = sample_row(wildcards)
    for column in ("rna", "atac", "annotation"):
        if column in row and not row[column].startswith("obs:"):
            row[column] = path_of(row[column])
    return row


def sample_files(wildcards):
    """Files of one sample by column, to unpack as inputs; of a folder, the files in it."""
    row = located_row(wildcards)
    paths = {
        column: Path(row[column])
        for column in ("rna", "atac", "annotation")
        if column in row and not row[column].startswith("obs:")
    }
    return {
        column: (
            sorted(str(file) for file in path.iterdir() if file.is_file())
            if path.is_dir()
            else str(path)
        )
        for column, path in paths.items()
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


def motif_enrichment_of(wildcards):
    """Enriched motifs of a dataset, where the cistromes' method needs them."""
    if config["grn"]["cistromes"]["method"] == "prior":
        return []
    return f"results/{wildcards.dataset}/grn/motif_enrichment.parquet"


def rankings_of(wildcards):
    """The ranking database of a dataset: the given one, or that of its own regions."""
    if config["grn"]["cistromes"]["method"] == "cistarget":
        return path_of(config["grn"]["cistromes"]["cistarget"]["rankings"])
    return f"results/{wildcards.dataset}/grn/motifs.regions_vs_motifs.rankings.feather"


def motifs_to_tfs_of(wildcards):
    """The motif-to-TF table."""
    return path_of(config["grn"]["cistromes"]["motifs_to_tfs"])


def motif_genome_of(wildcards):
    """The genome in which motifs are looked for."""
    return path_of(config["grn"]["cistromes"]["motif_scan"]["fasta"])


def motif_files_of(wildcards):
    """The motif collection: one file, or those in a folder."""
    path = Path(path_of(config["grn"]["cistromes"]["motif_scan"]["motifs"]))
    if not path.is_dir():
        return str(path)
    return sorted(str(file) for file in path.iterdir() if file.is_file())


def growing(amount):
    """A resource (MB, minutes) that grows with each attempt, where the profile retries failed jobs."""

    def of_attempt(wildcards, attempt):
        return amount * attempt

    return of_attempt
