"""How long `./do demo` takes from a fresh clone of what is committed: installing, building, and packing and asking.

    python bench/demo.py [--bare]

Without --bare what deps/ names is installed before, and is not in the figures. --bare: as root, in a Debian 12 of its own without any of it, which debootstrap makes first.
Results: bench/results/demo.json
"""
from __future__ import annotations

from datasets import REPO, RESULTS

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import measures
import speed

MIRROR = "http://deb.debian.org/debian"


def command(folder: Path, bare: bool, stack: ExitStack) -> tuple[list[str], Path]:
    """What runs the demo, and where its clone belongs."""
    if not bare:
        return ["./do", "demo"], folder / "attar"
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", str(folder), MIRROR], check=True, stdout=subprocess.DEVNULL)
    (folder / "etc" / "resolv.conf").write_text(Path("/etc/resolv.conf").read_text())
    for name in ("proc", "dev"):
        subprocess.run(["mount", "--bind", f"/{name}", str(folder / name)], check=True)
        stack.callback(subprocess.run, ["umount", str(folder / name)], check=False)
    return ["chroot", str(folder), "/bin/sh", "-c", "cd /root/attar && ./do demo"], folder / "root" / "attar"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bare", action="store_true")
    bare = parser.parse_args().bare
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        run, clone = command(Path(name), bare, stack)
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(REPO), str(clone)], check=True)
        commit = subprocess.run(["git", "-C", str(clone), "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        before, started = os.times(), time.perf_counter()
        ran = subprocess.run(run, cwd=clone, capture_output=True, text=True, check=False)
        seconds, after = time.perf_counter() - started, os.times()
        if ran.returncode != 0:
            sys.exit(f"the demo ended with {ran.returncode}: {ran.stderr[-2000:]}")
        asking = re.search(r"Packing and asking took (\d+) s", ran.stdout)
        if asking is None:
            sys.exit("the demo does not say how long packing and asking took")
    computing = after.children_user + after.children_system - before.children_user - before.children_system
    line = {"cpu": speed.cpu(), "cores": os.cpu_count(), "commit": commit, "seconds": round(seconds, 1), "asking_seconds": int(asking.group(1)), "cpu_seconds": round(computing, 1),
            "note": "on a bare Debian 12, installation in it" if bare else "packages installed before"}
    print(f"./do demo from a fresh clone of {commit}: {line['seconds']:.0f} s, {line['asking_seconds']} s of it packing and asking; {line['cpu_seconds']:.0f} s of computing on {line['cores']} cores; {line['note']}")
    measures.write_json(RESULTS / "demo.json", line)


if __name__ == "__main__":
    main()
