"""The whole configuration."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from grnformer.settings.attention import Attention
from grnformer.settings.bench import Bench
from grnformer.settings.embed import Embed
from grnformer.settings.fuse import Fuse
from grnformer.settings.grn import Grn
from grnformer.settings.key import File, Settings, Word, key
from grnformer.settings.perturb import Perturb
from grnformer.settings.prep import Prep
from grnformer.settings.pretrain import Pretrain
from grnformer.settings.report import Report
from grnformer.settings.topics import Topics


class Dataset(Settings):
    """Settings of one dataset, over the common ones."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    prep: dict[str, Any] = key(
        {}, "settings of prep; a preset here goes before common keys"
    )
    topics: dict[str, Any] = key({}, "settings of topics")
    grn: dict[str, Any] = key({}, "settings of grn")


class Environments(Settings):
    """Interpreters of tools that run apart (make env-pyscenic, env-pycistopic); with --sdm conda, envs/*.yaml."""

    pyscenic: Word = key(
        ".envs/pyscenic/bin/python",
        "path of the interpreter with pySCENIC and arboreto",
    )
    pycistopic: Word = key(
        ".envs/pycistopic/bin/python", "path of the interpreter with pycisTopic"
    )


class Resources(Settings):
    """Pinned files."""

    registry: str = key(
        "config/resources.yaml",
        "path of the resource registry: name -> source, SHA-256, licence",
    )
    mirror: File | None = key(
        None,
        "folder looked at before the source; $GRNFORMER_MIRROR goes before it; null: none",
    )


class Genome(Settings):
    """A genome that samples may name."""

    tss: File = key(
        ...,
        "transcription start sites: EnsDb-style TSV or TSS-window BED; a path or resource:<name>",
    )


class Config(Settings):
    """The whole configuration."""

    samples: str = key(
        "config/samples.tsv", "path of the sample sheet (TSV); docs/add-a-dataset.md"
    )
    datasets: dict[str, Dataset] = key(
        {},
        "dataset -> its settings of prep, topics and grn, where they differ from the common ones",
    )
    environments: Environments = Environments()
    resources: Resources = Resources()
    genomes: dict[str, Genome] = key(
        {
            "hg38": {"tss": "resource:ensembl_transcripts_hg38.tsv.gz"},
            "hg19": {"tss": "resource:tss_hg19.bed"},
            "mm10": {"tss": "resource:tss_mm10.bed"},
        },
        "name in the sample sheet -> its files",
        min_length=1,
    )
    prep: Prep = Prep()
    topics: Topics = Topics()
    grn: Grn = Grn()
    fuse: Fuse = Fuse()
    pretrain: Pretrain = Pretrain()
    embed: Embed = Embed()
    attention: Attention = Attention()
    perturb: Perturb = Perturb()
    bench: Bench = Bench()
    report: Report = Report()
