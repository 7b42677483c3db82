"""The only package that loads weights; torch is imported on first use, not here."""
