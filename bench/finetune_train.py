"""Fine-tunes MiniLM's last two layers in torch, for bench/finetune.py; runs under an interpreter that has torch and numpy.

    python bench/finetune_train.py MODEL.safetensors PAIRS.npz FOLDER STEPS

Contrastive: of a batch's pairs (title, description) each title is to find its own description among the batch's, by softmax over cosines
times 20, the usual loss of sentence encoders. AdamW, 3e-5 after a warm-up of 50 steps, then linearly down to nothing; gradients cut at norm 1; no dropout; one
thread and a fixed order, so that a machine repeats its bytes. Every 100 steps the file is written anew: tensors that were not trained keep
their bytes. Prints a JSON object: loss and found pairs of the held-out pairs before and after, losses on the way, seconds.
"""
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch starts its pool

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

import weights  # noqa: E402

LAYERS, HEADS, WIDTH, TRAINED = 6, 12, 384, ("encoder.layer.4.", "encoder.layer.5.")
BATCH, EVERY, WARM_UP, RATE, SCALE, SEED = 32, 100, 50, 3e-5, 20.0, 1


def linear(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def norm(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return functional.layer_norm(x, (WIDTH,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-12)


def layer(w: dict[str, Tensor], number: int, x: Tensor, there: Tensor) -> Tensor:
    """One layer of BERT on x (batch, tokens, WIDTH); `there` (batch, tokens) is true where a token is."""
    name = f"encoder.layer.{number}"
    q, k, v = (linear(w, f"{name}.attention.self.{part}", x).view(*x.shape[:2], HEADS, -1).transpose(1, 2) for part in ("query", "key", "value"))
    scores = q @ k.transpose(2, 3) / (WIDTH // HEADS) ** 0.5
    mixed = scores.masked_fill(~there[:, None, None, :], -1e9).softmax(-1) @ v
    x = norm(w, f"{name}.attention.output.LayerNorm", x + linear(w, f"{name}.attention.output.dense", mixed.transpose(1, 2).reshape(x.shape)))
    return norm(w, f"{name}.output.LayerNorm", x + linear(w, f"{name}.output.dense", functional.gelu(linear(w, f"{name}.intermediate.dense", x))))


def embed(w: dict[str, Tensor], ids: Tensor) -> Tensor:
    """Token ids (batch, tokens), 0 where there is none: unit rows (batch, WIDTH)."""
    ids = ids[:, : int((ids != 0).sum(1).max())]
    there = ids != 0
    with torch.no_grad():
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: ids.shape[1]] + w["embeddings.token_type_embeddings.weight"][0]
        x = norm(w, "embeddings.LayerNorm", x)
        for number in range(LAYERS - len(TRAINED)):
            x = layer(w, number, x, there)
    for number in range(LAYERS - len(TRAINED), LAYERS):
        x = layer(w, number, x, there)
    mean = (x * there[:, :, None]).sum(1) / there.sum(1, keepdim=True)
    return functional.normalize(mean, dim=1)


def loss_of(w: dict[str, Tensor], titles: Tensor, descriptions: Tensor) -> tuple[Tensor, Tensor]:
    """The batch's loss, and how many titles find their own description."""
    scores = embed(w, titles) @ embed(w, descriptions).T * SCALE
    wanted = torch.arange(len(titles))
    return functional.cross_entropy(scores, wanted), (scores.argmax(1) == wanted).sum()


def judged(w: dict[str, Tensor], titles: Tensor, descriptions: Tensor) -> dict[str, float]:
    """On held-out pairs: the loss within batches, and the share of titles that find their description among all of them."""
    with torch.no_grad():
        losses = [float(loss_of(w, titles[i : i + BATCH], descriptions[i : i + BATCH])[0]) for i in range(0, len(titles), BATCH)]
        rows, others = (torch.cat([embed(w, part[i : i + BATCH]) for i in range(0, len(part), BATCH)]) for part in (titles, descriptions))
        found = ((rows @ others.T).argmax(1) == torch.arange(len(rows))).float().mean()
    return {"loss": round(float(np.mean(losses)), 5), "found": round(float(found), 5)}


def save(path: Path, original: weights.Weights, w: dict[str, Tensor]) -> None:
    trained = {name: value.detach().numpy() for name, value in w.items() if value.requires_grad}
    weights.write(path.with_name(f"{path.name}.safetensors"), weights.replaced(original, trained))


def main() -> None:
    model, pairs, folder, steps = Path(sys.argv[1]), np.load(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    original = weights.read(model)
    w = {name: torch.tensor(value) for name, value in original.values().items()}
    trained = [name for name in w if name.startswith(TRAINED)]
    for name in trained:
        w[name].requires_grad_(True)
    flat = [w[name] for name in trained if w[name].ndim == 1]  # biases and norms decay in no recipe
    optimizer = torch.optim.AdamW([{"params": [w[name] for name in trained if w[name].ndim > 1], "weight_decay": 0.01}, {"params": flat, "weight_decay": 0.0}], lr=RATE)
    total = int(pairs["steps"])  # the schedule's length, of which `steps` are made
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / WARM_UP, (total - step) / (total - WARM_UP)))
    titles, descriptions, held_titles, held_descriptions = (torch.tensor(pairs[key].astype(np.int64)) for key in ("titles", "descriptions", "held_titles", "held_descriptions"))
    report: dict = {"before": judged(w, held_titles, held_descriptions), "losses": []}
    save(folder / "ckpt-0", original, w)
    started, recent = time.perf_counter(), []
    for step in range(steps):
        part = slice(step * BATCH, (step + 1) * BATCH)
        loss, _ = loss_of(w, titles[part], descriptions[part])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([w[name] for name in trained], 1.0)
        optimizer.step()
        schedule.step()
        recent.append(float(loss.detach()))
        if (step + 1) % EVERY == 0 or step + 1 == steps:
            save(folder / f"ckpt-{-(-(step + 1) // EVERY)}", original, w)
            report["losses"].append(round(float(np.mean(recent)), 5))
            print(f"step {step + 1}: loss {report['losses'][-1]:.4f}, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
            recent = []
    report |= {"after": judged(w, held_titles, held_descriptions), "seconds": round(time.perf_counter() - started, 1), "torch": torch.__version__}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
