"""A fine-tuning series of our own: MiniLM, then five checkpoints of a real training, to measure archives of checkpoints with.

    python bench/finetune.py --with PYTHON [--steps 500] [--repeat]

PYTHON is an interpreter that has torch and numpy (pip install torch, an environment of its own). Its last two layers of six learn to find the description
of a Debian package by its title (finetune_train.py tells how); 500 steps of 32 pairs, a checkpoint every 100. Texts are cut after 48 tokens.
Held out: 512 pairs, of packages that are not trained on.
Writes bench/out/finetune/ckpt-{0..5}.safetensors, 0 being the model before, and the same rounded to bfloat16 as ckpt-{0..5}.bf16.safetensors.
The frozen layers' tensors have the same bytes in all of them. --repeat: makes the first step twice and compares the digests.
Results: bench/results/finetune.json, with the SHA-256 of each file: one machine repeats them, another need not.
"""
from __future__ import annotations

from datasets import OUT, RESULTS

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import corpora
import measures
import minilm
import speed
import weights

FOLDER = OUT / "finetune"
CHECKPOINTS, EVERY, BATCH, HELD, TOKENS, SEED = 5, 100, 32, 512, 48, 5
HERE = Path(__file__).resolve().parent


def checkpoint(number: int, precision: str = "fp32") -> Path:
    """The file of checkpoint `number` (0: before training), "fp32" or "bf16"."""
    return FOLDER / (f"ckpt-{number}.safetensors" if precision == "fp32" else f"ckpt-{number}.bf16.safetensors")


def pairs() -> tuple[list[str], list[str]]:
    """Titles and the descriptions behind them, shuffled; one of each title, and of the families of packages that share a description one."""
    out, seen = [], set()
    for package in corpora.debian_packages():
        title, text = package["title"], package["text"].removeprefix(package["title"]).lstrip(" .")
        if len(title) >= 15 and len(text) >= 80 and title not in seen and text[:80] not in seen:
            seen.update((title, text[:80]))
            out.append((title, text))
    order = np.random.default_rng(SEED).permutation(len(out))
    return [out[i][0] for i in order], [out[i][1] for i in order]


def prepare(path: Path, steps: int) -> int:
    """Token ids of all pairs, 0 behind the last of each, in one file; the number of pairs there were to choose from."""
    tokenizer = Tokenizer.from_file(str(minilm.folder() / "tokenizer.json"))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding(length=TOKENS)
    titles, descriptions = pairs()
    need = HELD + CHECKPOINTS * EVERY * BATCH
    if len(titles) < need:
        raise SystemExit(f"{need:,} pairs are wanted, {len(titles):,} are there")
    ids = {name: np.array([e.ids for e in tokenizer.encode_batch(texts[:need])], np.uint16) for name, texts in (("titles", titles), ("descriptions", descriptions))}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, steps=steps, **{name: rows[HELD:] for name, rows in ids.items()}, **{f"held_{name}": rows[:HELD] for name, rows in ids.items()})
    return len(titles)


def train(python: str, data: Path, folder: Path, steps: int) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    model = minilm.folder() / "model.safetensors"
    done = subprocess.run([python, str(HERE / "finetune_train.py"), str(model), str(data), str(folder), str(steps)], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def repeated(python: str, data: Path) -> bool:
    """Whether two runs of one step write the same bytes."""
    found = []
    for name in ("once", "again"):
        train(python, data, FOLDER / name, 1)
        found.append(digest(FOLDER / name / "ckpt-1.safetensors"))
    return found[0] == found[1]


def changes(before: weights.Weights, after: weights.Weights) -> dict:
    """How far a checkpoint lies from another: tensors with other bytes, and the size of the difference in the trained ones."""
    moved = [name for name, tensor in after.tensors.items() if tensor.data != before.tensors[name].data]
    squares = sum(float(((after.tensors[n].values() - before.tensors[n].values()).astype(np.float64) ** 2).sum()) for n in moved)
    all_squares = sum(float((before.tensors[n].values().astype(np.float64) ** 2).sum()) for n in moved)
    return {"tensors_changed": len(moved), "bytes_changed": sum(len(after.tensors[n].data) for n in moved), "relative_difference": round((squares / all_squares) ** 0.5, 6) if moved else 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--with", dest="python", default=sys.executable)
    parser.add_argument("--steps", type=int, default=CHECKPOINTS * EVERY)
    parser.add_argument("--repeat", action="store_true")
    options = parser.parse_args()
    if subprocess.run([options.python, "-c", "import torch, numpy"], capture_output=True, check=False).returncode:
        sys.exit("skipped: name an interpreter that has torch and numpy: --with PYTHON")
    try:
        choice = prepare(FOLDER / "pairs.npz", options.steps)
    except corpora.Missing as missing:
        sys.exit(f"skipped: {missing}")
    if options.repeat:
        same = repeated(options.python, FOLDER / "pairs.npz")
        print(f"one step made twice: {'the same bytes' if same else 'OTHER BYTES'}")
        result = measures.read_json(RESULTS / "finetune.json")
        if result:
            measures.write_json(RESULTS / "finetune.json", result | {"one_step_repeats": same})
        return
    report = train(options.python, FOLDER / "pairs.npz", FOLDER, options.steps)
    files, original = [], weights.read(checkpoint(0))
    for number in range(-(-options.steps // EVERY) + 1):
        own = weights.read(checkpoint(number))
        weights.write(checkpoint(number, "bf16"), weights.rounded(own))
        files.append({"checkpoint": number, "sha256": digest(checkpoint(number)), "bf16_sha256": digest(checkpoint(number, "bf16")), "bytes": checkpoint(number).stat().st_size} | changes(original, own))
    print(f"held-out pairs: loss {report['before']['loss']:.4f} before, {report['after']['loss']:.4f} after; found among {HELD}: {report['before']['found']:.4f} and {report['after']['found']:.4f}; {report['seconds']} s")
    measures.write_json(RESULTS / "finetune.json", {"command": "python bench/finetune.py --with PYTHON", "cpu": speed.cpu(), "threads": 1, "pairs_to_choose_from": choice, "steps": options.steps, "held": HELD} | report | {"files": files})


if __name__ == "__main__":
    main()
