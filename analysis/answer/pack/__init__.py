"""Packing: as much of repositories as a window holds, whole where a question needs it and in outline elsewhere.

outlines    versions              -> the spans of each text that make its outline: heads of definitions, first comments
importance  files of snapshots    -> the order in which they get an outline, whatever is asked
relevance   question, files       -> how much each matters to the question, and why
listing     snapshot              -> the tree of its files in words, as far as there is room
fit         sizes, importance     -> which files are whole, in outline or left out
prompt      what was fitted       -> DocumentTexts: what every question shares, then what this one needs

What comes first in a prompt is the same for every question on a snapshot: contracts, the tree and the outlines. So that
is what an endpoint's prefix cache keeps. A file is whole, in outline or out; none is cut.
"""

from analysis.answer.pack.packing import Find, Packed, Packing, packing

__all__ = ["Find", "Packed", "Packing", "packing"]
