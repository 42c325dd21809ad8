"""How long `./do demo` takes from a fresh clone of what is committed: building, and packing and asking.

    python bench/demo.py

What deps/ names must be installed; installing it takes as long as the network does, and is not in the figures.
Results: bench/results/demo.json
"""
from __future__ import annotations

from datasets import REPO, RESULTS

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measures
import speed


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "attar"
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(REPO), str(clone)], check=True)
        commit = subprocess.run(["git", "-C", str(clone), "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        started = time.perf_counter()
        ran = subprocess.run(["./do", "demo"], cwd=clone, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        times = os.times()
        if ran.returncode != 0:
            sys.exit(f"the demo ended with {ran.returncode}: {ran.stderr[-2000:]}")
        asking = re.search(r"Packing and asking took (\d+) s", ran.stdout)
        if asking is None:
            sys.exit("the demo does not say how long packing and asking took")
    line = {"cpu": speed.cpu(), "cores": os.cpu_count(), "commit": commit, "seconds": round(seconds, 1), "asking_seconds": int(asking.group(1)),
            "cpu_seconds": round(times.children_user + times.children_system, 1), "note": "packages installed before"}
    print(f"./do demo from a fresh clone of {commit}: {line['seconds']:.0f} s, {line['asking_seconds']} s of it packing and asking; {line['cpu_seconds']:.0f} s of computing on {line['cores']} cores")
    measures.write_json(RESULTS / "demo.json", line)


if __name__ == "__main__":
    main()
