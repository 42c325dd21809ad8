"""The bars of tokenizers, from bench/results; bars.py prints them."""
from __future__ import annotations

from datasets import RESULTS

from bar import Bar, absent
from measures import read_json


def bars() -> list[Bar]:
    result = read_json(RESULTS / "token_counts.json")
    lines = result.get("lines", [])
    if not lines:
        return [absent("tokens counted as the files' libraries do", "no differences", "token_counts")]
    texts = sum(result["texts"].values())
    wrong = sum(line["differences"] - line["of_later_characters"] for line in lines)
    later = sum(line["of_later_characters"] for line in lines)
    slowest = min(lines, key=lambda line: line["ratio"])
    return [Bar(f"tokens counted as the files' libraries do, {len(lines)} tokenizers, {texts:,} texts each", "no differences", f"{wrong}, and {later} in texts with characters later than Unicode 3.2", wrong == 0),
            Bar("tokens counted, against the files' libraries, one thread each", ">= 1x", f"{slowest['ratio']:.2f}x at the least ({slowest['tokenizer']}), {max(line['ratio'] for line in lines):.0f}x at the most", slowest["ratio"] >= 1)]
