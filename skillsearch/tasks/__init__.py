"""Tasks: what goes in, which space is searched for it, and what comes out."""
