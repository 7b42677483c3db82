"""The command line of skillsearch."""
