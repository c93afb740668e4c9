"""What is added to Snakemake's workflow once all rules are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grnformer.workflow.contents import watch_contents
from grnformer.workflow.lookups import let_grow
from grnformer.workflow.slurm import watch_jobs
from grnformer.workflow.stages import refuse_targets


def watch(workflow: Any, checkout: Path) -> None:
    """Let `workflow` refuse targets that are none, see changed inputs, retry with more, and name how jobs end."""
    refuse_targets(workflow, checkout)
    watch_contents(workflow.rules, checkout)
    let_grow(workflow.rules)
    watch_jobs()
