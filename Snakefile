# So that `snakemake` works from the checkout.
module grnformer:
    snakefile:
        "workflow/Snakefile"


use rule * from grnformer
