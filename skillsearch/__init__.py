"""From a job title to ranked skills.

```python
from skillsearch import Filters, SkillSearch

with SkillSearch.open() as skills:
    for hit in skills.search("Data Scientist", filters=Filters(collections=["digital"])):
        print(hit.rank, hit.label, hit.relevance, hit.score)
```
"""

from skillsearch.asynchronous import AsyncSkillSearch
from skillsearch.errors import SkillSearchError
from skillsearch.filters import Filters
from skillsearch.results import SearchResult, SkillHit
from skillsearch.search import SkillSearch
from skillsearch.settings import Settings

__all__ = [
    "AsyncSkillSearch",
    "Filters",
    "SearchResult",
    "Settings",
    "SkillHit",
    "SkillSearch",
    "SkillSearchError",
]
