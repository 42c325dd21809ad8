"""A bar: what is required, what was measured, and whether it holds. Made by bars.py and bars_text.py."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Bar:
    name: str
    required: str
    measured: str
    holds: bool


def absent(name: str, required: str, script: str) -> Bar:
    return Bar(name, required, f"not measured: ./do bench {script}", False)
