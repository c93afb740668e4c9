"""Which genes the adapter attends to: TFs against others of their degree and expression; regulator-target pairs."""
