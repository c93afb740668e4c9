"""Drug response: LN_IC50 of cancer cell lines from drug structure and line embedding, beside naive baselines."""
