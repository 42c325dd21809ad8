"""Small tokenizers of every layout, trained on this repository's own texts, and what their libraries count: for tests/text/tokenizer_files_test.cpp.

    .venv-bench/bin/python scripts/make_tokenizer_fixtures.py

Writes tests/text/tokenizers/: the files, texts.json, and counts.json, a list of {"file", "pattern", "counts"} in the order of the texts.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO / "bench"))

import token_models  # noqa: E402

FOLDER = REPO / "tests" / "text" / "tokenizers"
SIZE = 500
TEXTS = [
    "", " ", "a", "Hello, world!", "  two  spaces  ", "line one\nline two\r\n\r\n  line three\n", "tail of blanks   ", "tail of lines \n\n ", "\t\tfoo(bar);\n\t}\n",
    "it's, IT'S, we'll, THEY'RE, don'T, 'tis, it'\u017f", "1 22 333 4444 55555 1234567890", "3.14159e-10 = 0x1F", "\u0663\u0664\u0665\u0666 \u00bd \u2167", "HTTPServer getURL iPhone JSON_value",
    "caf\u00e9 cafe\u0301 na\u00efve \u01c5ungla", "\u6f22\u5b57\u304b\u306a\u4ea4\u3058\u308a\u6587\u3001\u30c6\u30b9\u30c8\u3002", "\ud55c\uad6d\uc5b4 \u0939\u093f\u0928\u094d\u0926\u0940 \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f", "https://example.org/a/b?c=d&e=f#g//", "a\u00a0b\u3000c\u2028d\x85e\x0bf", "<sep>foo bar<sep> foo barfoo bar", "the other of the of <x> y <xy>  z<x><xyz> the_the the",
    "[CLS] words [SEP][MASK]", "<|endoftext|>text<|endoftext|>", "\u2581under\u2581score", "\ufb01ne \u2460 \u212b \uff21\uff22\uff23", "x" * 300, "ab" * 200 + " " * 100 + "!" * 90, "\u0301\u0301 \u0301a B\u0301c",
    "A budget is a ceiling in bytes, bytes a vector, bits a weight or tokens: never exceeded, not by one byte.", "for (std::size_t i = 0; i < size; ++i) out[i] = in[size - 1 - i];", "- one\n- two\n\n| a | b |\n|---|---|\n",
]


def own_texts() -> list[str]:
    """Pages and code of the repository that change little."""
    names = ["README.md", "CONTRIBUTING.md", "FORMAT.md", "docs/papers.md", *(f"docs/decisions/{p.name}" for p in sorted((REPO / "docs" / "decisions").glob("00[012]*.md")))]
    names += [str(p.relative_to(REPO)) for p in sorted((REPO / "src" / "base").glob("*.cpp"))]
    return [line for name in names for line in (REPO / name).read_text().splitlines(keepends=True)] + ["\u6f22\u5b57 \u304b\u306a caf\u00e9 na\u00efve \U0001f600"]


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = []
    for model in token_models.train(own_texts(), SIZE, FOLDER):
        file, _, pattern = Path(model.name).name.partition(":")
        lines.append({"file": file, "pattern": pattern, "counts": model.count(TEXTS)})
    (FOLDER / "texts.json").write_text(json.dumps(TEXTS, indent=0, ensure_ascii=True) + "\n")
    (FOLDER / "counts.json").write_text("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n")


if __name__ == "__main__":
    main()
