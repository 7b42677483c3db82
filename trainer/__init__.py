"""Training: the bi-encoder and the three-class cross-encoder, and what they are worth."""
