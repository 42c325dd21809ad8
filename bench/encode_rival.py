"""sentence-transformers behind the words of encode_bench, for bench/encoders.py; runs under an interpreter that has it.

    python bench/encode_rival.py FOLDER LONGEST THREADS TEXTS OUT.npy

Prints "ready", the seconds that loading took and the batch size that was fastest of four on these texts, then for each line of standard
input the seconds of one pass over all texts, by the clock and of all processors' time; at its end the vectors go to OUT.npy.
"""
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "true"

start = time.perf_counter()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402


def main() -> None:
    folder, longest, threads, texts_file, out_file = sys.argv[1:]
    torch.set_num_threads(int(threads))
    model = SentenceTransformer(folder, device="cpu")
    model.max_seq_length = int(longest)
    loaded = time.perf_counter() - start
    with open(texts_file, encoding="utf-8") as file:
        texts = file.read().splitlines()

    def run(batch: int) -> tuple[float, np.ndarray]:
        before = time.perf_counter()
        rows = model.encode(texts, batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
        return time.perf_counter() - before, rows

    run(32)
    best = min((16, 32, 64, 128), key=lambda batch: run(batch)[0])
    print("ready", loaded, best, torch.__version__, flush=True)
    rows = np.zeros((0, 0), np.float32)
    for _ in sys.stdin:
        spent = time.process_time()
        seconds, rows = run(best)
        print(seconds, time.process_time() - spent, flush=True)
    np.save(out_file, rows)


main()
