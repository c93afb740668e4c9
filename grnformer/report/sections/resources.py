"""Which resources of the registry a run reads, as a table."""

from __future__ import annotations

import pandas as pd

from grnformer.report.page import Config
from grnformer.workflow.resources import resources_read

_COLUMNS = ["about", "licence", "source", "sha256"]


def tabulate_resources(
    configs: dict[str, Config],
    samples: list[dict[str, str]],
    registry: Config,
) -> pd.DataFrame:
    """Resources that the datasets' stages read, with what they are, licence, source and hash.

    Parameters
    ----------
    configs
        Dataset -> its configuration.
    samples
        Rows of the sample sheet.
    registry
        The resource registry.
    """
    read = {name: registry[name] for name in resources_read(configs, samples)}
    frame = pd.DataFrame.from_dict(read, orient="index", columns=None)
    return frame.reindex(columns=_COLUMNS).rename_axis("resource").reset_index()
