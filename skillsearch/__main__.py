"""`python -m skillsearch`, which is also what `accelerate launch -m skillsearch` starts."""

from skillsearch.cli import main

if __name__ == "__main__":
    main()
