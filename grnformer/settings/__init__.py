"""The settings of a run: one place for a key's default, unit, bound and meaning.

A section is a class of one file here, a key is one line (`key.key`). ``python -m grnformer.settings`` (`make settings`)
writes from them what is read when the workflow runs, so that no job waits for pydantic:

``workflow/schemas/config.schema.yaml``
    JSON schema of a complete configuration.
``workflow/defaults/<section>.yaml``
    Every key with its default.
``config/sizes/tiny.yaml``
    The size that others name their differences from.
``docs/settings.md``
    Every key for the reader.

Settings of a method stand in the method's file, beside its registration (`grnformer.core.methods`). The decorator
`methods.with_methods` of a section collects them, so that a new file adds its part to all of the above::

    class Promoter(Settings):
        min_genes: float = key(0.3, "least fraction of the genes that must have a promoter", ge=0, le=1)

    @method("promoter", settings=Promoter)
    def cistromes(...): ...

In the section of the folder stand the keys that are not of one method, and the choice::

    @with_methods("grnformer.grn.cistromes")
    class Cistromes(Settings):
        method: str = key("prior", "which method", options=names("grnformer.grn.cistromes"))

A key that is renamed or deleted goes into ``renamed.yaml``, beside this file, so that a config that has it is told.
"""
