"""The command line as a person or a script runs it: in this process, or in one of its own."""

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from skillsearch.cli.app import main

__all__ = ["SKILLSEARCH", "run", "run_process"]

SKILLSEARCH = str(Path(sys.executable).with_name("skillsearch"))

Done = subprocess.CompletedProcess[str]


def run(*arguments: str, home: Path, **environment: str) -> Done:
    """Run a command here, which spares the time to import what it needs."""
    stdout, stderr, code = StringIO(), StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        for name, value in _settings(home, environment).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", [SKILLSEARCH, *arguments])
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done([SKILLSEARCH, *arguments], code, stdout.getvalue(), stderr.getvalue())


def run_process(*arguments: str, home: Path, **environment: str) -> Done:
    """Run a command in a process of its own."""
    settings = os.environ | _settings(home, environment)
    return subprocess.run(
        [SKILLSEARCH, *arguments], capture_output=True, text=True, check=False, env=settings
    )


def _settings(home: Path, environment: dict[str, str]) -> dict[str, str]:
    return {"SKILLSEARCH_HOME": str(home), "COLUMNS": "120"} | environment
