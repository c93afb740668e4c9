"""Methods that are the original tools: which environment each needs, and whether its interpreter is there.

An original is never imported by this package. A rule runs a program of workflow/originals by the interpreter of the
original's own environment (`make env-pyscenic`; by conda, envs/*.yaml); an ordinary rule then reads what it wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from grnformer.core.errors import InputError
from grnformer.workflow.config import locate

if TYPE_CHECKING:
    from collections.abc import Iterable

ENVIRONMENT_OF = {
    ("grn.tf_gene.method", "arboreto_grnboost2"): "pyscenic",
    ("grn.tf_gene.method", "arboreto_genie3"): "pyscenic",
    ("grn.cistromes.method", "pyscenic_ctx"): "pyscenic",
    ("grn.cell.method", "pyscenic_aucell"): "pyscenic",
    ("topics.method", "pycistopic"): "pycistopic",
}  #: (place in the config, method) -> key of the config's section `environments`


def is_original(place: str, method: str) -> bool:
    """Whether the method at this place of the config (grn.tf_gene.method) is an original tool."""
    return (place, method) in ENVIRONMENT_OF


def find_originals(config: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the originals that a configuration asks for: (place, method) -> environment."""
    found = {}
    for (place, method), environment in ENVIRONMENT_OF.items():
        part: Any = config
        for key in place.split("."):
            part = part[key]
        if part == method:
            found[place, method] = environment
    return found


def check_interpreters(configs: Iterable[dict[str, Any]], root: str | Path) -> None:
    """Raise InputError if a configuration asks for an original whose environment is not there.

    Parameters
    ----------
    configs
        Configuration of each dataset.
    root
        The checkout, below which relative interpreters are looked for after the working directory.
    """
    for config in configs:
        for (place, method), environment in find_originals(config).items():
            python = locate(config["environments"][environment], root)
            if not Path(python).exists():
                raise InputError(
                    f"{place} is {method!r}, and there is no interpreter at {python}",
                    f"the environment of {environment}, which runs on its own",
                    f"make env-{environment} in the checkout; or name an interpreter that has it as "
                    f"environments.{environment}; or run snakemake with --sdm conda",
                )
