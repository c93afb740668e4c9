"""All benchmarks that the page knows, by name."""

from __future__ import annotations

from grnformer.report.sections.bench import (
    drug_response,
    grn_accuracy,
    link_accuracy,
    network_features,
    perturbation,
    perturbation_profiles,
    sc_drug_labels,
    sc_drug_lines,
)
from grnformer.report.sections.bench.task import Task

TASKS: dict[str, Task] = {
    "drug_response": drug_response.TASK,
    "grn_accuracy": grn_accuracy.TASK,
    "perturbation": perturbation.TASK,
    "perturbation_profiles": perturbation_profiles.TASK,
    "link_accuracy": link_accuracy.TASK,
    "network_features": network_features.TASK,
    "sc_drug_lines": sc_drug_lines.TASK,
    "sc_drug_labels": sc_drug_labels.TASK,
}
