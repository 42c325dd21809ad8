"""Small .npz files as numpy writes them, for tests/data/npz_test.cpp.

    python scripts/make_npz_golden.py

Writes tests/data/npz/saved.npz (np.savez: arrays as they are) and tests/data/npz/deflated.npz (np.savez_compressed), each with `weights` (float32, 4 × 6, i / 8), `order`
(int64, 3, in Fortran's order 2 × 3) and `scale` (float16, no axes, 0.5). The time of the members is fixed, so that the bytes are the same again.
"""
from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "data" / "npz"


def rewritten(raw: bytes) -> bytes:
    """The same members with a fixed time, by the calls that numpy makes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(out, "w", allowZip64=True) as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name)
            info.compress_type = source.getinfo(name).compress_type
            with target.open(info, "w", force_zip64=True) as member:
                member.write(source.read(name))
    return out.getvalue()


def main() -> None:
    arrays = {"weights": (np.arange(24, dtype=np.float32) / 8).reshape(4, 6), "order": np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3)), "scale": np.float16(0.5)}
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, save in {"saved": np.savez, "deflated": np.savez_compressed}.items():
        file = io.BytesIO()
        save(file, **arrays)
        (FOLDER / f"{name}.npz").write_bytes(rewritten(file.getvalue()))


if __name__ == "__main__":
    main()
