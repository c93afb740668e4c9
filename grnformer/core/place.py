"""Where the workflow stands: in the checkout around this package, or in the copy inside an installed package."""

from __future__ import annotations

from pathlib import Path

AFFECTS_RESULTS = False
PACKAGE = Path(__file__).parents[1]
#: Folder inside an installed package with what a checkout has beside it: Snakefile, workflow, config, profiles, envs.
INSIDE = "_workflow"
# setup.py copies it there when a wheel is built; a checkout has no such folder
INSTALLED = (PACKAGE / INSIDE).is_dir()
#: Folder of Snakefile, workflow and config.
ROOT = PACKAGE / INSIDE if INSTALLED else PACKAGE.parent
