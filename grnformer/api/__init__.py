"""A finished run in Python: what `import grnformer` offers."""
