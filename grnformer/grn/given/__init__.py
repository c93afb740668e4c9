"""Networks that users bring: read in the forms of other tools, and put in the place of inferred ones."""
