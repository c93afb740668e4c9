# From paired single-cell RNA + ATAC to gene regulatory networks, to RNA foundation models that know
# them, to an honest report. One file a stage in workflow/rules; settings in config/config.yaml, defaults in workflow/defaults.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")


configfile: Path(workflow.basedir) / "config" / "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/prep.smk"
include: "workflow/rules/topics.smk"
include: "workflow/rules/grn.smk"
include: "workflow/rules/stability.smk"
include: "workflow/rules/fuse.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/embed.smk"
include: "workflow/rules/attention.smk"
include: "workflow/rules/bench.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        rules.report.input,
