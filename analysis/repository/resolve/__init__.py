"""Imports as they are written, resolved to files and folders of the same snapshot: a rule a language, one file each.

Nothing is run and nothing looked up elsewhere: what a build system or an installed environment would add is not known.
"""

from __future__ import annotations

from analysis.repository.resolve.dotnet import resolve_csharp
from analysis.repository.resolve.golang import resolve_go
from analysis.repository.resolve.index import Found, Index
from analysis.repository.resolve.jvm import resolve_jvm
from analysis.repository.resolve.native import resolve_include
from analysis.repository.resolve.php import resolve_php
from analysis.repository.resolve.plain import resolve_relative
from analysis.repository.resolve.python import resolve_python
from analysis.repository.resolve.ruby import resolve_ruby
from analysis.repository.resolve.rust import resolve_rust
from analysis.repository.resolve.script import resolve_script

__all__ = ["RESOLVERS", "Found", "Index"]

RESOLVERS = {
    "python": resolve_python,
    **dict.fromkeys(("javascript", "jsx", "typescript", "tsx", "vue", "svelte"), resolve_script),
    **dict.fromkeys(("java", "kotlin", "scala", "groovy"), resolve_jvm),
    "go": resolve_go,
    "rust": resolve_rust,
    **dict.fromkeys(("c", "cpp", "objective-c"), resolve_include),
    "csharp": resolve_csharp,
    "ruby": resolve_ruby,
    "php": resolve_php,
    **dict.fromkeys(("bash", "css", "scss", "html"), resolve_relative),
}
