"""Fetch one pinned resource and check its SHA-256."""

from grnformer.core.job import job

with job(snakemake):
    from grnformer.core.place import ROOT
    from grnformer.core.resources import fetch
    from grnformer.workflow.config import locate, read_registry

    # Not among the params: another mirror or source of the same bytes makes nothing anew.
    settings = snakemake.config["resources"]
    registry = read_registry(locate(settings["registry"], ROOT))
    name = snakemake.wildcards.resource
    fetch(name, registry[name], snakemake.output[0], settings["mirror"])
