"""Training: models, the data that they learn from, and how good they are."""
