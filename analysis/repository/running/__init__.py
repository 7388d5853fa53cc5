"""What a repository says of itself: languages, entry points, how it is run, what it needs, its licence.

Every fact stands on lines of a file. Nothing is run; what no manifest, heading or main function says is not guessed.
"""

from analysis.repository.running.facts import Fact, Facts, Language, facts_of, languages_of
from analysis.repository.running.stated import FactKind

__all__ = ["Fact", "FactKind", "Facts", "Language", "facts_of", "languages_of"]
