"""Every error that skillsearch raises on purpose, in one tree.

```
SkillSearchError
├── ConfigurationError      a setting, option or configuration file is wrong
├── TaxonomyError           a taxonomy release cannot be read
├── ModelError              a model cannot be found, loaded or used
│   └── ModelMismatchError  the model is not the one the index was built with
├── QueryError              the caller's title or limit is not usable
│   ├── FilterError         a filter names a value that the index does not have
│   └── ConceptNotFoundError  the index has no concept with this URI
├── StoreError              the vector store failed
│   ├── IndexNotFoundError  nothing is published
│   ├── IndexOutdatedError  an older version of this program wrote it
│   ├── IndexNewerError     a newer version of this program wrote it
│   ├── StoreLockedError    another process is writing
│   ├── StoreUnavailableError  the server does not answer
│   └── BuildCheckError     a new build failed its checks and was not published
├── AnnotationError         a file of many inputs, or of their results, cannot be read or written
├── TrainingError           training data or a training run is not usable
└── EvaluationError         a benchmark, a run or a set of judgements is not usable
```

A message names the thing, what was found, what was expected, and what to do. It is one printable line of
at most 2,000 characters, whatever it quotes.
The command line prints it in red and exits with its `exit_code`: 3 for a build that failed its
checks, else 1.
"""

from skillsearch.characters import one_line

__all__ = [
    "AnnotationError",
    "BuildCheckError",
    "ConceptNotFoundError",
    "ConfigurationError",
    "EvaluationError",
    "FilterError",
    "IndexNewerError",
    "IndexNotFoundError",
    "IndexOutdatedError",
    "ModelError",
    "ModelMismatchError",
    "QueryError",
    "SkillSearchError",
    "StoreError",
    "StoreLockedError",
    "StoreUnavailableError",
    "TaxonomyError",
    "TrainingError",
]


class SkillSearchError(Exception):
    """Base class of all errors that skillsearch raises on purpose."""

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class ConfigurationError(SkillSearchError):
    """A setting, option or configuration file is wrong."""


class TaxonomyError(SkillSearchError):
    """A taxonomy release cannot be read; names file, row and column where they are known."""


class ModelError(SkillSearchError):
    """A model cannot be found, loaded or used."""


class ModelMismatchError(ModelError):
    """The encoder is not the one the published index was built with."""


class QueryError(SkillSearchError, ValueError):
    """A title, limit or depth is not usable."""


class FilterError(QueryError):
    """A filter names a value that the published index does not have."""


class ConceptNotFoundError(QueryError):
    """The published index has no concept with this URI."""


class StoreError(SkillSearchError):
    """The vector store failed."""


class IndexNotFoundError(StoreError):
    """No index is published where one was looked for."""


class IndexOutdatedError(StoreError):
    """An index was written by an older version of this program, and has to be built again."""


class IndexNewerError(StoreError):
    """An index was written by a newer version of this program, which is needed to read it."""


class StoreLockedError(StoreError):
    """Another process is writing to the same index."""


class StoreUnavailableError(StoreError):
    """The Qdrant server does not answer, or refuses the key."""


class BuildCheckError(StoreError):
    """A new build failed its checks and was not published."""

    exit_code = 3


class AnnotationError(SkillSearchError):
    """A file of many inputs cannot be read, or that of their results cannot be written or gone on with."""


class TrainingError(SkillSearchError):
    """Training data or a training run is not usable."""


class EvaluationError(SkillSearchError):
    """A benchmark, a run or a set of judgements is not usable; names file and line where known."""
