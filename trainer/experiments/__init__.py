"""The experiments of Unified Work Embeddings at a size that fits the machine."""
