"""Corpora of the bench: real texts, made once under bench/out, each document with a number of its own.

    python bench/corpora.py

100k     63,666 package descriptions of Debian 12, 6,119 encyclopaedia passages, and 30,215 package descriptions of Debian 13, which repeat most of the
         first with changes: near-duplicates as life makes them.
tune     what is left of Debian 13's descriptions: for profiling and for choosing, never reported.
Debian 13's come from the package mirror (dists/trixie/main/i18n/Translation-en.xz) on first use.
"""
from __future__ import annotations

from datasets import DATA, OUT, Missing

import json
import lzma
import subprocess
import urllib.request
from pathlib import Path

TEXT = DATA / "text"
DOCUMENTS = 100_000
MIRROR = "http://deb.debian.org/debian/dists/trixie/main/i18n/Translation-en.xz"


def debian_packages() -> list[dict]:
    """Debian 12's packages: id, title, and text, which begins with the title."""
    file = TEXT / "debian.jsonl.zst"
    if not file.exists():
        raise Missing(f"{file} is absent; point ATTAR_DATA to the folder that holds text/")
    lines = subprocess.run(["zstd", "-dcq", str(file)], check=True, capture_output=True).stdout.decode().splitlines()
    return [json.loads(line) for line in lines]


def debian() -> list[str]:
    return [package["text"] for package in debian_packages()]


def passages() -> list[str]:
    return [f"{d['title']}. {d['text']}" for d in json.loads((TEXT / "2wiki_corpus.json").read_text())]


def trixie() -> list[str]:
    file = OUT / "trixie-Translation-en.xz"
    if not file.exists():
        OUT.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        try:
            urllib.request.urlretrieve(MIRROR, part)
        except OSError as error:
            raise Missing(f"{MIRROR} cannot be fetched ({error}); put it to {file}") from error
        part.rename(file)
    texts = []
    for block in lzma.open(file, "rt", encoding="utf-8").read().split("\n\n"):
        lines, inside = [], False
        for line in block.split("\n"):
            if line.startswith("Description-en: "):
                lines, inside = [line.removeprefix("Description-en: ") + "."], True
            elif inside and line.startswith(" "):
                lines.append("" if line.strip() == "." else line.strip())
            else:
                inside = False
        if lines:
            texts.append(" ".join(line for line in lines if line))
    return texts


def write(file: Path, texts: list[str]) -> Path:
    if not file.exists():
        part = file.with_suffix(".part")
        part.write_text("".join(json.dumps({"id": i, "text": text}, ensure_ascii=False) + "\n" for i, text in enumerate(texts)))
        part.rename(file)
    return file


def corpus(name: str) -> Path:
    file = OUT / f"corpus-{name}.jsonl"
    if file.exists():
        return file
    first, second = debian() + passages(), trixie()
    more = DOCUMENTS - len(first)
    if len(second) <= more:
        raise Missing(f"{len(second):,} descriptions of Debian 13 are too few; {more:,} are needed, and some for tuning")
    return write(file, first + second[:more] if name == "100k" else second[more:])


if __name__ == "__main__":
    for name in ("100k", "tune"):
        path = corpus(name)
        print(f"{name:6} {sum(1 for _ in path.open()):,} documents, {path.stat().st_size:,} bytes: {path}")
