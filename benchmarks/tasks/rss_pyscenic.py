"""pySCENIC's regulon specificity scores, types x sets in the order of the type numbers."""

import pandas as pd
from pyscenic.rss import regulon_specificity_scores


def prepare(arrays, options):
    return pd.DataFrame(arrays["auc"]), pd.Series(arrays["types"])


def run(prepared, options):
    return {"rss": regulon_specificity_scores(*prepared).sort_index().to_numpy()}
