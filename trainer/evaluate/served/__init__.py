"""Tasks measured as the client serves them: the published index, its models, its rules."""
