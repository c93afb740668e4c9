"""Cistromes: which regions a TF binds. Methods by name; each takes (Evidence, settings) and gives cistromes."""

from grnformer.grn.cistromes import prior

METHODS = {"prior": prior.join_prior}
