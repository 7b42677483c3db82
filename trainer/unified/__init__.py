"""Unified Work Embeddings: one bi-encoder for all work tasks, its training data and experiments."""
