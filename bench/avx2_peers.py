"""Peers as they run on a machine that ends at AVX2: in a process from which avx2_only.c hides AVX-512.

    server = avx2_peers.Server()                     # raises Absent where the processor cannot trap CPUID or no compiler is there
    server.open("turbovec 4 bit", folder)            # as index_peers.IndexPeer.write() left it
    server.rate("turbovec 4 bit", {}, query_file, batch, seconds)
    server.close()

Builds are those of the whole machine; only searches are asked here. As with speed.rate(), the clock runs in the process that searches.
"""
from __future__ import annotations

import datasets
from datasets import OUT

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import index_peers
import speed

SOURCE = Path(__file__).resolve().parent / "avx2_only.c"


def hiding_library() -> Path:
    """Compiled where it is older than its source."""
    library = OUT / "avx2_only.so"
    if not library.exists() or library.stat().st_mtime < SOURCE.stat().st_mtime:
        OUT.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise index_peers.Absent(f"avx2_only.c cannot be compiled: {error}") from error
    return library


class Server:
    """A process of its own, asked line by line."""

    def __init__(self) -> None:
        environment = os.environ | {"LD_PRELOAD": str(hiding_library())}
        if subprocess.run(["true"], env=environment, check=False).returncode != 0:
            raise index_peers.Absent("this processor or kernel cannot trap CPUID")
        self.process = subprocess.Popen([sys.executable, __file__], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def ask(self, **request: object) -> object:
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise index_peers.Absent(f"{request['peer']} ended without AVX-512, by status {self.process.wait()}")
        return json.loads(answer)

    def open(self, peer: str, folder: Path) -> None:
        self.ask(do="open", peer=peer, folder=str(folder))

    def rate(self, peer: str, setting: index_peers.Setting, queries: Path, batch: int, seconds: float) -> float:
        return float(self.ask(do="rate", peer=peer, setting=setting, queries=str(queries), batch=batch, seconds=seconds))


def serve() -> None:
    peers: dict[str, index_peers.IndexPeer] = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["peer"]
        if request["do"] == "open":
            peers[name] = index_peers.by_name(name)
            peers[name].read(Path(request["folder"]))
            print("null", flush=True)
        else:
            search = peers[name].at(request["setting"])
            print(speed.rate(search, np.load(request["queries"]), request["batch"], request["seconds"]), flush=True)


if __name__ == "__main__":
    serve()
