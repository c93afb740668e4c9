"""Methods that are the original tools: which environment each needs, and whether its interpreter is there.

An original is never imported by this package. A rule runs a program of workflow/originals by the interpreter of the
original's environment (`make env-pyscenic`; by conda, envs/*.yaml); an ordinary rule then reads what it wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from grnformer.core.errors import InputError
from grnformer.core.methods import load, names
from grnformer.workflow.config import locate

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGES = {
    "topics.method": "grnformer.topics",
    "grn.tf_gene.method": "grnformer.grn.tf_gene",
    "grn.region_gene.accessibility": "grnformer.grn.region_gene",
    "grn.cistromes.method": "grnformer.grn.cistromes",
    "grn.cell.method": "grnformer.grn.activity",
}  #: place in a dataset's config -> package whose methods stand there


def environment_of(place: str, method: str) -> str | None:
    """Key of the config's section `environments` for the method at this place (grn.tf_gene.method); None: ours."""
    # an unknown method has no environment: its error is raised where it is loaded
    known = method in names(PACKAGES[place])
    return load(PACKAGES[place], method).environment if known else None


def is_original(place: str, method: str) -> bool:
    """Whether the method at this place of the config is an original tool."""
    return environment_of(place, method) is not None


def find_originals(config: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the originals that a configuration asks for: (place, method) -> environment."""
    found = {}
    for place in PACKAGES:
        method: Any = config
        for key in place.split("."):
            method = method[key]
        environment = environment_of(place, method)
        if environment is not None:
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
                    f"the environment of {environment}, apart from the package's",
                    f"make env-{environment} in the checkout; or name an interpreter that has it as "
                    f"environments.{environment}; or run snakemake with --sdm conda",
                )
