"""General English for distill_encoder.py: sentences of dictionaries, essays, sayings, help pages and histories that Debian packages.

    .venv-bench/bin/python scripts/encoder_text.py        # some fifteen minutes on two cores

Packages are fetched with apt-get and unpacked below bench/out/general; nothing is installed, and none of their text goes into the repository. A tenth of
the sentences is cut to a stretch of three to ten words, for queries are short. Writes bench/out/general.jsonl and the teacher's vectors, general.f16.npy.
"""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))

from datasets import OUT, unit  # first: it keeps the pools of the libraries at one thread

import gzip
import json
import re

import numpy as np

import manual_text
import minilm

PACKAGES = {"dict-gcide": 60_000, "anarchism": 30_000, "fortunes": 12_000, "fortunes-min": 2_000, "dict-jargon": 6_000, "dict-foldoc": 10_000, "dict-devil": 2_000,
            "gnome-user-docs": 8_000, "libreoffice-help-en-us": 12_000, "debian-history": 2_000, "gimp-help-en": 8_000}
SEED, SHORT = 7, 0.1


def dictionary(text: str) -> list[str]:
    """Entries of a dictd file, without pronunciation, sources and cross-references."""
    text = re.sub(r"\[[^]]{0,80}\]|\{|\}|\\[^\\\n]{1,60}\\|<[^>]{1,40}>", " ", text)
    out = []
    for entry in re.split(r"\n(?=\S)|\n\s*\n", text):
        entry = re.sub(r"^\s*(?:\d+\.|\([a-z]\))", "", entry)
        out += manual_text.sentences(entry)
    return out


def sayings(text: str) -> list[str]:
    return [s for saying in text.split("\n%\n") for s in manual_text.sentences(saying)]


def texts_of(package: str, place: Path) -> list[str]:
    out = []
    for file in sorted(p for p in place.rglob("*") if p.is_file()):
        name = str(file.relative_to(place))
        if "changelog" in name or "copyright" in name:
            continue
        if name.endswith(".dict.dz"):
            out += dictionary(gzip.decompress(file.read_bytes()).decode("utf-8", "replace"))
        elif "/games/fortunes/" in name and not name.endswith((".dat", ".u8")):
            out += sayings(manual_text.read(file))
        elif re.search(r"/help/C/.*\.(page|docbook|xml)$", name) or (package == "libreoffice-help-en-us" and name.endswith((".html", ".xhp"))):
            out += manual_text.html(manual_text.read(file))[0]
        elif name.endswith(".html") and package not in ("libreoffice-help-en-us",) and not re.search(r"/(?!en)[a-z]{2}(_[A-Z]{2})?/|\.(?!en)[a-z]{2}(-[a-z]{2})?\.html$", name):
            out += manual_text.html(manual_text.read(file))[0]
            out += manual_text.sentences(manual_text.read(file))
    return out


def sound(text: str) -> bool:
    return 4 <= len(text.split()) <= 60 and sum(c.isalpha() or c == " " for c in text) > 0.85 * len(text)


def main() -> None:
    rng = np.random.default_rng(SEED)
    seen = {json.loads(line)["text"].lower() for line in (OUT / "manuals.jsonl").open()}
    chosen = []
    for package, most in PACKAGES.items():
        found = [t for t in texts_of(package, manual_text.fetch_one(OUT / "general", package)) if sound(t) and t.lower() not in seen and not seen.add(t.lower())]
        picked = [found[i] for i in rng.permutation(len(found))[:most]]
        print(f"{package}: {len(found):,} sentences, {len(picked):,} taken; such as: {picked[:2]}", flush=True)
        chosen += picked
    for i in np.flatnonzero(rng.random(len(chosen)) < SHORT):
        words = chosen[i].split()
        size = int(rng.integers(3, 11))
        first = int(rng.integers(0, max(1, len(words) - size)))
        chosen[i] = " ".join(words[first : first + size])
    (OUT / "general.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in chosen))
    np.save(OUT / "general.f16.npy", unit(minilm.embed(chosen)).astype(np.float16))


if __name__ == "__main__":
    main()
