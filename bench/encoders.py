"""The sentence encoder against its reference and against sentence-transformers: MiniLM-L6 on real texts.

    cmake --preset release -D ATTAR_BUILD_BENCH=ON && cmake --build --preset release --target encode_bench
    python bench/encoders.py [--only cosines|speed|layers] [--rival PYTHON] [--threads 2] [--rounds 7]
                              [--tool build/release/bench/encode_bench]

cosines  of 1,000 descriptions of Debian's packages, cut after 128 tokens, with the vectors that minilm.py computes in single precision.
         Bars, for the least of them: 0.99999 with f32 weights, 0.999 with bf16, 0.99 with int8.
speed    texts a second on --threads (2): 600 sentences of descriptions, and 150 descriptions of 128 tokens and more, cut there. Every
         round runs each contender in turn; figures are medians, ratios are taken inside each round and then their median. PYTHON is an
         interpreter that has sentence-transformers (pip install sentence-transformers, an environment of its own), which gets as many threads and the batch size that suits it best. Ratios of
         processors' time stand beside those of the clock: they hold on a machine that does other work too.
         Bar: int8 at twice its speed.
layers   operations a second of single layers on one thread, beside what the processor does in registers alone.
golden   writes what tests/text compares with: vectors of minilm.py for the lines of tests/golden/minilm.txt. Not done unless asked for.
Results: bench/results/encoders.json
"""
from __future__ import annotations

from datasets import DATA, OUT, RESULTS

import argparse
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import zstandard

import minilm
from make_sentences import distinct, split

LONGEST, SEED = 128, 11
BARS = {"f32": 0.99999, "bf16": 0.999, "int8": 0.99}
PATH = RESULTS / "encoders.json"
HERE = Path(__file__).resolve().parent


def descriptions() -> list[str]:
    path = DATA / "text" / "debian.jsonl.zst"
    if not path.exists():
        sys.exit("the descriptions are absent: point ATTAR_DATA to the folder that holds text/")
    with path.open("rb") as file:
        stream = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [" ".join(json.loads(line)["text"].split()) for line in stream]


def sample(texts: list[str], count: int) -> list[str]:
    return [texts[i] for i in np.random.default_rng(SEED).permutation(len(texts))[:count]]


class Contender:
    """A program that encodes all texts of a file each time it is told to."""

    def __init__(self, name: str, command: list[str], out: Path) -> None:
        self.name, self.out = name, out
        # datasets.py holds numpy's own threads at one; the contenders' are theirs.
        clean = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean)
        self.ready = self.process.stdout.readline().split()
        if not self.ready:
            sys.exit(f"{name} does not start")

    def run(self) -> tuple[float, float]:
        """Seconds of one pass, by the clock and of all processors' time."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        wall, spent = map(float, self.process.stdout.readline().split())
        return wall, spent

    def finish(self) -> np.ndarray:
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit(f"{self.name} failed")
        return np.load(self.out)


def attar(tool: str, precision: str, threads: int, texts: Path) -> Contender:
    out = OUT / f"encoders-{precision}.npy"
    return Contender(f"attar {precision}", [tool, "encode", str(minilm.folder()), precision, str(LONGEST), str(threads), str(texts), str(out)],
                     out)


def sentence_transformers(python: str, threads: int, texts: Path) -> Contender:
    out = OUT / "encoders-rival.npy"
    return Contender("sentence-transformers",
                     [python, str(HERE / "encode_rival.py"), str(minilm.folder()), str(LONGEST), str(threads), str(texts), str(out)], out)


def write(name: str, texts: list[str]) -> Path:
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"encoders-{name}.txt"
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cosines(tool: str) -> dict:
    texts = sample(descriptions(), 1_000)
    path = write("cosines", texts)
    model = minilm.MiniLM()
    ids = model.tokens(texts)
    reference = unit(np.concatenate([model.encode([row]) for row in ids]))
    out = {}
    for precision, bar in BARS.items():
        contender = attar(tool, precision, 2, path)
        contender.run()
        rows = contender.finish()
        found = (unit(rows) * reference).sum(1)
        scores = unit(rows) @ unit(rows).T - reference @ reference.T
        out[precision] = {"least": float(found.min()), "mean": float(found.mean()), "bar": bar, "holds": bool(found.min() >= bar),
                          "score_rms": float(np.sqrt((scores**2).mean()))}
        print(f"{precision}: cosine at least {found.min():.7f}, mean {found.mean():.7f} (bar {bar}); "
              f"scores between texts differ by {out[precision]['score_rms']:.2g} (root mean square)")
    return out


def golden() -> None:
    folder = HERE.parent / "tests" / "golden"
    model = minilm.MiniLM()
    ids = model.tokens((folder / "minilm.txt").read_text(encoding="utf-8").splitlines())
    np.save(folder / "minilm.f16.npy", unit(np.concatenate([model.encode([row]) for row in ids])).astype(np.float16))


def speed(tool: str, rival: str | None, threads: int, rounds: int) -> dict:
    tokens = minilm.MiniLM().tokens
    all_texts = descriptions()
    sentences = sample(distinct([s for text in sample(all_texts, 2_000) for s in split(text)], set()), 600)
    long = [text for text in sample(all_texts, 8_000) if len(tokens([text])[0]) >= LONGEST][:150]
    return {name: race(name, texts, sum(map(len, tokens(texts))), tool, rival, threads, rounds)
            for name, texts in {"sentences": sentences, "passages": long}.items()}


def race(name: str, texts: list[str], tokens: int, tool: str, rival: str | None, threads: int, rounds: int) -> dict:
    path = write(name, texts)
    contenders = [attar(tool, precision, threads, path) for precision in ("int8", "f32", "bf16")]
    if rival:
        contenders.append(sentence_transformers(rival, threads, path))
    for contender in contenders:
        contender.run()
    times = np.array([[contender.run() for contender in contenders] for _ in range(rounds)])  # (round, contender, clock or spent)
    # Of all that the machine did meanwhile: threads that wait for each other, as the rival's do, suffer most from others.
    load = os.getloadavg()[1]
    out = {"texts": len(texts), "tokens": tokens, "threads": threads, "rounds": rounds, "load": load, "contenders": {}}
    for i, contender in enumerate(contenders):
        contender.finish()
        figures = {"texts_per_second": float(np.median(len(texts) / times[:, i, 0])),
                   "texts_per_processor_second": float(np.median(len(texts) / times[:, i, 1])), "ready": contender.ready[1:]}
        line = (f"{name} ({len(texts)} texts, {tokens} tokens, {threads} threads): {contender.name} {figures['texts_per_second']:.0f} texts/s, "
                f"{figures['texts_per_processor_second']:.0f} a processor's second")
        if rival:
            clock, spent = np.median(times[:, -1] / times[:, i], axis=0)
            figures["times_the_rival"] = {"clock": float(clock), "processor": float(spent)}
            line += f"; {clock:.2f} times sentence-transformers by the clock, {spent:.2f} by processors' time"
        out["contenders"][contender.name] = figures
        print(line, flush=True)
    return out


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--only", choices=("cosines", "speed", "layers", "golden"))
    words.add_argument("--rival", help="an interpreter that has sentence-transformers")
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--tool", default=str(HERE.parent / "build" / "release" / "bench" / "encode_bench"))
    asked = words.parse_args()
    if asked.only == "golden":
        return golden()
    result = json.loads(PATH.read_text()) if PATH.exists() else {}
    if asked.only in (None, "cosines"):
        result["cosines"] = cosines(asked.tool)
    if asked.only in (None, "speed"):
        result.setdefault("speed", {})[f"{asked.threads} threads"] = speed(asked.tool, asked.rival, asked.threads, asked.rounds)
    if asked.only in (None, "layers"):
        lines = subprocess.run([asked.tool, "layers"], capture_output=True, text=True, check=True).stdout.splitlines()
        result["layers"] = lines
        print("\n".join(lines))
    PATH.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
