"""Link accuracy: region-gene links against genes that CRISPRi of an element changes."""
