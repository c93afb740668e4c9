"""Drug response: LN_IC50 of cancer cell lines from a drug's structure and a line's embedding, beside naive floors."""
