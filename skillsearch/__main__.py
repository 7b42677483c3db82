"""`python -m skillsearch`, which is also what `accelerate launch -m skillsearch` starts."""

from skillsearch.cli.app import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
