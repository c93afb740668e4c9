"""Benchmarks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from grnformer.settings.drug_response import DrugResponse
from grnformer.settings.grn_accuracy import GrnAccuracy
from grnformer.settings.key import Seed, Settings, Word, key
from grnformer.settings.link_accuracy import LinkAccuracy
from grnformer.settings.perturbation import Perturbation
from grnformer.settings.perturbation_profiles import PerturbationProfiles
from grnformer.settings.sc_drug import ScDrug

Pair = Annotated[
    list[Word],
    Field(min_length=2, max_length=2, json_schema_extra={"uniqueItems": True}),
]


class Bench(Settings):
    """Benchmarks."""

    seed: Seed = key(1, "of the bootstrap and of random networks")
    n_resamples: int = key(
        1000, "bootstrap resamples behind the intervals of medians", ge=100
    )
    compare: list[Pair] = key(
        [],
        "pairs of datasets of the same cells whose networks stand beside each other: [[snareseq, other]]",
    )
    grn_accuracy: GrnAccuracy = GrnAccuracy()
    drug_response: DrugResponse = DrugResponse()
    perturbation: Perturbation = Perturbation()
    perturbation_profiles: PerturbationProfiles = PerturbationProfiles()
    link_accuracy: LinkAccuracy = LinkAccuracy()
    sc_drug: ScDrug = ScDrug()
