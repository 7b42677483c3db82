"""Skill search: ranked skills of a taxonomy for a job title.

```python
from skillsearch import Filters, SkillSearch

with SkillSearch.open() as skills:
    for hit in skills.search("Data Scientist", filters=Filters(collections=["digital"])):
        print(hit.rank, hit.label, hit.relevance, hit.score)
```
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillsearch.aio import AsyncSkillSearch
    from skillsearch.client import SkillSearch
    from skillsearch.errors import SkillSearchError
    from skillsearch.results import FailedSearch, Found, OccupationMatch, SearchResult, SkillHit, SkillMatch
    from skillsearch.settings import Settings
    from skillsearch.store.filters import Filters

__all__ = [
    "AsyncSkillSearch",
    "FailedSearch",
    "Filters",
    "Found",
    "OccupationMatch",
    "SearchResult",
    "Settings",
    "SkillHit",
    "SkillMatch",
    "SkillSearch",
    "SkillSearchError",
]

_MODULES = {
    "AsyncSkillSearch": "aio",
    "FailedSearch": "results",
    "Filters": "store.filters",
    "Found": "results",
    "OccupationMatch": "results",
    "SearchResult": "results",
    "Settings": "settings",
    "SkillHit": "results",
    "SkillMatch": "results",
    "SkillSearch": "client",
    "SkillSearchError": "errors",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name on first use: the command line needs none of them to start."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
