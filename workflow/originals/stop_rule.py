"""arboreto's stop rule for GRNBoost2, whatever scikit-learn is installed.

Boosting of a target stops when, on average over the last rounds, a tree no longer betters the prediction of the cells
that were left out of its sample (Moerman et al. 2019, doi 10.1093/bioinformatics/bty916). Up to scikit-learn 1.2
`oob_improvement_` is that: the loss on a round's left-out cells before the tree less that after it. From 1.3 on it is
the difference between the losses of two rounds on two different samples, noise that ends boosting after some 26 trees
in place of some 130, and the network with it. There the monitor takes both losses itself, from the predictions that
scikit-learn hands to it.
"""

import numpy as np

LAST_WITH_IMPROVEMENT = (1, 2)  # scikit-learn


def monitor_class(version):
    """Return the monitor that keeps arboreto's rule with this version of scikit-learn, None for arboreto's own."""
    return (
        None
        if tuple(int(part) for part in version.split(".")[:2]) <= LAST_WITH_IMPROVEMENT
        else StopMonitor
    )


class StopMonitor:
    """Monitor of GradientBoostingRegressor.fit (squared error, no sample weights): True ends boosting."""

    def __init__(self, window_length=25):
        self.window_length = window_length
        self._improvements = []
        self._before = None

    def __call__(self, current_round, regressor, variables):
        observed, after = variables["y"], variables["raw_predictions"].ravel()
        left_out = ~variables["sample_mask"]
        before = (
            np.full(len(observed), observed.mean())
            if self._before is None
            else self._before
        )
        residuals = (
            observed[left_out] - before[left_out],
            observed[left_out] - after[left_out],
        )
        self._improvements.append(
            np.mean(residuals[0] ** 2) - np.mean(residuals[1] ** 2)
        )
        self._before = after.copy()
        window = self._improvements[-self.window_length :]
        return len(window) == self.window_length and np.mean(window) < 0
