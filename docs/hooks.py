"""Adds the results and the changelog, which stand beside `docs/`, to the site."""

import re
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

__all__ = ["on_files", "on_page_markdown"]

_ROOT: Final = Path(__file__).parents[1]
_OUTSIDE: Final = re.compile(r"(\]\((?:\.\./)*)\.\./(results/|weights/|CHANGELOG)")
_PAGES: Final = ("CHANGELOG.md", "weights/README.md")
_INSIDE: Final = re.compile(r"(\]\((?:\.\./)*)docs/")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add files under their paths in the repository."""
    for path in (*map(_ROOT.joinpath, _PAGES), *sorted((_ROOT / "results").rglob("*"))):
        if path.suffix in (".md", ".png"):
            name = path.relative_to(_ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turn links that hold in the repository into links that hold on the site, which has no `docs/`."""
    if page.file.generated_by:
        return _INSIDE.sub(r"\1", markdown)
    return _OUTSIDE.sub(r"\1\2", markdown)
