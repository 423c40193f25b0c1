"""On which line of a TOML text a key stands; the parser of the standard library does not tell."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.\s-]+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*=")


@dataclass
class TomlLines:
    """Lines of sections and keys, by the section's name and its number among those of that name (from 0)."""

    _sections: dict[tuple[str, int], int] = field(default_factory=dict)
    _keys: dict[tuple[str, int, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> TomlLines:
        """Scan a text. Inline tables are not looked into: their keys have the line of the section."""
        lines = cls()
        seen: Counter[str] = Counter()
        section = ("", 0)
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.fullmatch(line):
                name = re.sub(r"\s", "", header[1])
                section = (name, seen[name])
                seen[name] += 1
                lines._sections[section] = number
            elif key := _KEY.match(line):
                lines._keys.setdefault((*section, key[1]), number)
        return lines

    def line(self, section: str, number: int, key: str) -> int:
        """Return the line of a key, else of its section, else 0."""
        return self._keys.get((section, number, key)) or self._sections.get((section, number), 0)
