"""Training of the bi-encoder and of the three-class cross-encoder."""
