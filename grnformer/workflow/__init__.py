"""The configuration, the sample sheet and what the workflow derives from them."""
