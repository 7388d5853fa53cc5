"""How the parts of a snapshot hang together: imports resolved to files, and folders with what they import."""

from analysis.repository.modules.imports import Dependency, ImportGraph, imports_of
from analysis.repository.modules.map import Link, Module, ModuleMap, module_map

__all__ = ["Dependency", "ImportGraph", "Link", "Module", "ModuleMap", "imports_of", "module_map"]
