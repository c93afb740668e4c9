"""GRNBoost2's trees, 32 targets in lockstep (`blocks`), or one after another where vectors do not compile (`plain`)."""
