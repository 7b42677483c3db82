"""Words as people write them: job titles and adverts as they come, and what in them is meant."""
