"""A blend learned from judgements: reading them, fitting it, and telling what it is worth."""
