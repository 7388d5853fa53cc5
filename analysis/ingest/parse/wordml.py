"""Small helpers for WordprocessingML: names without their namespace, so that both of its dialects read alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def local(element: Any) -> str:
    """Return an element's name without its namespace; "" for what is not an element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str, default: str = "") -> str:
    """Return the attribute `name` of any namespace."""
    if element is not None:
        for key, value in element.attrib.items():
            if key.rpartition("}")[2] == name:
                return str(value)
    return default


def child(element: Any, *path: str) -> Any:
    """Return the first child called path[0], its first child called path[1], and so on; None if there is none."""
    for name in path:
        element = next((one for one in element if local(one) == name), None) if element is not None else None
    return element


def children(element: Any, name: str) -> Iterator[Any]:
    """Yield the children called `name`."""
    return (one for one in (element if element is not None else ()) if local(one) == name)


def is_on(properties: Any, name: str) -> bool:
    """Whether the switch `name` is set: present, and not set to a false value."""
    switch = child(properties, name)
    return switch is not None and attribute(switch, "val", "1") not in {"0", "false", "off", "none"}


def number(text: str, default: int = 0) -> int:
    """Return `text` as a number, or `default` where it is none."""
    try:
        return int(text)
    except ValueError:
        return default
