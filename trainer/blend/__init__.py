"""A blend learned from judgements: reading them, fitting it, and measuring it."""
