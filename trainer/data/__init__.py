"""Training data for the unified encoder: generated texts and vacancies."""
