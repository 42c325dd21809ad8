"""Weights without loss: Attar beside lmzip, zipnn, openzl and zstd, one thread each, on MiniLM rounded to bfloat16 and as it is, and on a fine-tuning series.

    python bench/tensors.py [--only codecs|reads|series] [--rounds 5]

codecs   saved: share of the safetensors file that an archive is smaller by, header, tables and checksums in it. In memory: from a buffer to a buffer. Files: from a file to a file
         on a file system in memory (/dev/shm), where nothing waits for a disk; Attar's times hold the start of its process, peers run inside this one, and all their answers are
         compared with the file once. In memory Attar is timed by bench/tensor_bench inside its own process, a round a call.
         Every round runs each contender in turn; figures are medians, ratios to lmzip are taken inside each round and then their median. By the clock, and by
         processor's time, which holds on a machine that does other work too. tensor_peers.py tells how each peer is called.
reads    one tensor out of the archive of the fp32 file: bytes of the archive that are in memory after it, from a disk whose copy of it was dropped (mincore);
         and bytes that the process asked for by reading calls (/proc/PID/io, without what its start reads).
series   five checkpoints of one training (finetune.py makes them), fp32 and rounded to bfloat16, in one archive: lmzip finds the tensors that repeat and codes the others as a
         difference from the first if that is smaller; beside it the sum of five archives. Seconds to restore the first and the fifth. Bar: fifth <= 2x the first.
Results: bench/results/tensors.json
"""
from __future__ import annotations

from datasets import OUT, REPO, RESULTS

import argparse
import ctypes
import json
import mmap
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

import attar_cli
import finetune
import measures
import minilm
import speed
import tensor_peers
import weights
from tensor_peers import Lmzip, Model, Peer

FOLDER = OUT / "tensors"
SETS = ("bf16", "fp32")
BLOCKS = {"8 MiB": 8 << 20, "64 KiB": 64 << 10}
NOT_YET = "attar cannot pack tensors yet"
TENSORS = ("encoder.layer.3.intermediate.dense.weight", "encoder.layer.3.attention.self.query.weight", "encoder.layer.3.output.dense.bias")
MEMBERS = finetune.CHECKPOINTS


def model_file(name: str) -> Path:
    """MiniLM's file, "fp32" as its package has it or "bf16" rounded; made on first use."""
    path = FOLDER / f"minilm-{name}.safetensors"
    if not path.exists():
        original = weights.read(minilm.folder() / "model.safetensors")
        weights.write(path, weights.rounded(original) if name == "bf16" else original)
    return path


def scratch() -> tempfile.TemporaryDirectory:
    """A folder in memory where the system has one."""
    return tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else OUT)


def timed(call: Callable) -> tuple[object, float, float]:
    """What it returns, its seconds by the clock and of this process and of those that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall, spent = time.perf_counter(), time.process_time()
    out = call()
    wall, spent = time.perf_counter() - wall, time.process_time() - spent
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out, wall, spent + after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Attar:
    """Attar by its command, in blocks of `block` ("8 MiB")."""

    family, rounds = "attar", None

    def __init__(self, block: str) -> None:
        self.name, self.block = f"attar {block}", block.replace(" ", "")

    def encode_file(self, model: Model, out: Path) -> None:
        call("pack", model.path, "-o", out, "--lossless", "--block", self.block)

    def decode_file(self, coded: Path, out: Path) -> None:
        call("unpack", coded, "-o", out)

    def memory(self, model: Model) -> dict[str, float] | None:
        """Seconds of one round in memory, by bench/tensor_bench; None where it is not built. It prints one JSON object: encode_seconds, decode_seconds, encode_cpu, decode_cpu, bytes."""
        tool = REPO / "build" / "release" / "bench" / "tensor_bench"
        if not tool.exists():
            return None
        done = subprocess.run([str(tool), str(model.path), "--block", self.block, "--threads", "1", "--rounds", "1"], check=True, capture_output=True, text=True)
        report = json.loads(done.stdout)
        return {key: report[key] for key in ("encode_seconds", "decode_seconds", "encode_cpu", "decode_cpu")}


def call(verb: str, *arguments: object) -> str:
    return attar_cli.call(verb, *map(str, arguments), "--threads", "1", "-f")[0]


def attar_packs(path: Path) -> bool:
    """Whether this attar takes tensors; says so where it does not."""
    if attar_cli.available():
        try:
            with scratch() as folder:
                call("pack", path, "-o", Path(folder) / "x.attar", "--lossless")
                return True
        except attar_cli.Failed:
            pass
    print(f"skipped: {NOT_YET}")
    return False


def one_round(contender: Peer | Attar, model: Model, folder: Path, check: bool) -> dict[str, float]:
    """Seconds of each way, and the bytes of the file."""
    coded, back = folder / "coded", folder / "back.safetensors"
    out: dict[str, float] = {}
    _, out["file_encode_seconds"], out["file_encode_cpu"] = timed(lambda: contender.encode_file(model, coded))
    _, out["file_decode_seconds"], out["file_decode_cpu"] = timed(lambda: contender.decode_file(coded, back))
    if check and back.read_bytes() != model.raw:
        raise SystemExit(f"{contender.name} gave other bytes back")
    out["bytes"] = coded.stat().st_size
    if isinstance(contender, Attar):
        return out | (contender.memory(model) or {})
    fresh = contender.fresh(model)
    own, out["encode_seconds"], out["encode_cpu"] = timed(lambda: contender.encode(fresh))
    own = contender.index(coded) if isinstance(contender, Lmzip) else own
    found, out["decode_seconds"], out["decode_cpu"] = timed(lambda: contender.decode(own))
    if check and not tensor_peers.same(found, model):
        raise SystemExit(f"{contender.name} gave other bytes back")
    return out


def summary(name: str, contender: Peer | Attar, rounds: list[dict], rivals: list[dict], size: int) -> dict:
    """Medians, megabytes (of the raw file) a second, and how many times lmzip's speed with chunks of the same size."""
    line = {"set": name, "name": contender.name, "bytes": rounds[0]["bytes"], "saved": round(1 - rounds[0]["bytes"] / size, 5), "rounds": len(rounds)}
    for key in sorted(rounds[0].keys() - {"bytes"}):
        line[key] = round(statistics.median(r[key] for r in rounds), 5)
        line[key.replace("_seconds", "_mb_s").replace("_cpu", "_mb_cpu_s")] = round(size / 1e6 / line[key], 1)
        if key in rivals[0]:
            line[f"{key}_times_lmzip"] = round(statistics.median(b[key] / r[key] for r, b in zip(rounds, rivals)), 3)
    return line


def codecs(rounds: int) -> dict:
    peers, lines = tensor_peers.all_peers(), []
    contenders: list[Peer | Attar] = list(peers)
    if attar_packs(model_file("bf16")):
        contenders += [Attar(block) for block in BLOCKS]
    for name in SETS:
        model, found = Model.read(model_file(name)), defaultdict(list)
        with scratch() as folder:
            for number in range(rounds):
                for contender in contenders:
                    if contender.rounds is None or number < contender.rounds:
                        found[contender.name].append(one_round(contender, model, Path(folder), number == 0))
        for contender in contenders:
            rival = "lmzip 64 KiB" if "64 KiB" in contender.name else "lmzip 8 MiB"
            line = summary(name, contender, found[contender.name], found[rival], len(model.raw))
            lines.append(line)
            shown = ", ".join(f"{what} {line[f'{what}_mb_s']:.0f} ({line[f'{what}_mb_cpu_s']:.0f} by processor)" for what in ("encode", "decode", "file_encode", "file_decode") if f"{what}_mb_s" in line)
            print(f"{name} {contender.name:27s} saved {line['saved']:7.2%}; MB/s: {shown}", flush=True)
    return {"codecs": lines, "versions": tensor_peers.versions(peers), "load": round(os.getloadavg()[1], 2), "file_bytes": {name: model_file(name).stat().st_size for name in SETS}}


def dropped(path: Path) -> None:
    """Nothing of the file is left in memory (the file system must have a disk behind it)."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident(path: Path) -> int:
    """Bytes of the file's pages that are in memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_PRIVATE) as view:
        pages = -(-len(view) // mmap.PAGESIZE)
        flags, address = (ctypes.c_ubyte * pages)(), ctypes.c_char.from_buffer(view)
        done = ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(ctypes.addressof(address)), ctypes.c_size_t(len(view)), flags)
        del address
        if done != 0:
            raise OSError(ctypes.get_errno(), "mincore")
        return sum(flag & 1 for flag in flags) * mmap.PAGESIZE


def asked(process: int | str = "self") -> int:
    """Bytes that a process got from reading calls; of one that has ended, until it is waited for."""
    return int(Path(f"/proc/{process}/io").read_text().split("rchar:")[1].split()[0])


def attar_reads(archive: Path, tensor: str, out: Path) -> int:
    """Bytes that `attar get` reads by calls, less what `attar --version` reads."""
    found = []
    for arguments in (["--version"], ["get", str(archive), tensor, "-o", str(out), "-f"]):
        process = subprocess.Popen([str(attar_cli.binary()), *arguments], stdout=subprocess.DEVNULL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        found.append(asked(process.pid))
        if process.wait() != 0:
            raise attar_cli.Failed(f"attar {' '.join(arguments)}: status {process.returncode}")
    return found[1] - found[0]


def reads() -> dict:
    path, lines = model_file("fp32"), []
    tensors = weights.read(path).tensors
    packs = attar_packs(path)
    for block, size in BLOCKS.items():
        archives = {"lmzip": FOLDER / "reads.lmz"} | ({"attar": FOLDER / "reads.attar"} if packs else {})
        lmzip = Lmzip(size)
        lmzip.encode_file(Model.read(path), archives["lmzip"])
        if packs:
            Attar(block).encode_file(Model.read(path), archives["attar"])
        for who, archive in archives.items():
            for tensor in TENSORS:
                dropped(archive)
                before = asked()
                if who == "lmzip":
                    data, got = lmzip.lmz.read_tensor(str(archive), tensor)[2], asked() - before
                else:
                    got = attar_reads(archive, tensor, FOLDER / "tensor.npy")
                    data = np.load(FOLDER / "tensor.npy").tobytes()
                loaded = resident(archive)
                if bytes(data) != tensors[tensor].data:
                    raise SystemExit(f"{who} gave other bytes for {tensor}")
                lines.append({"name": f"{who} {block}", "tensor": tensor, "bytes": len(data), "archive_bytes": archive.stat().st_size, "asked": got, "loaded": loaded, "bar": len(data) + 128 * 1024})
                print(f"{who} {block}: {tensor}, {len(data):,} B: asked for {got:,} B, {loaded:,} B of the archive loaded", flush=True)
    return {"reads": lines}


def lmzip_series(precision: str, block: str, folder: Path) -> dict:
    lmzip, source, archive = Lmzip(BLOCKS[block]), folder / "series", folder / "series.lmz"
    source.mkdir()
    for number in range(1, MEMBERS + 1):
        shutil.copyfile(finetune.checkpoint(number, precision), source / f"ckpt-{number}.safetensors")
    _, packed, packed_cpu = timed(lambda: lmzip.lmz.compress(str(source), str(archive), **lmzip.options))
    alone = 0
    for file in sorted(source.iterdir()):
        lmzip.lmz.compress(str(file), str(folder / "one.lmz"), **lmzip.options)
        alone += (folder / "one.lmz").stat().st_size
    times: dict[int, list[float]] = {1: [], MEMBERS: []}
    for _ in range(3):
        for number, seconds in times.items():
            out = folder / "back"
            _, _, spent = timed(lambda: lmzip.lmz.extract(str(archive), f"ckpt-{number}.safetensors", str(out), overwrite=True, workers=1))  # noqa: B023
            seconds.append(spent)
            if out.read_bytes() != finetune.checkpoint(number, precision).read_bytes():
                raise SystemExit("lmzip gave another checkpoint back")
    first, last = (statistics.median(times[number]) for number in (1, MEMBERS))
    return {"name": lmzip.name, "bytes": archive.stat().st_size, "alone_bytes": alone, "pack_seconds": round(packed, 3), "pack_cpu": round(packed_cpu, 3), "first_cpu": round(first, 4), "last_cpu": round(last, 4), "last_times_first": round(last / first, 3)}


def attar_series(precision: str, block: str, folder: Path) -> dict:
    """Five artifacts, each packed against the one before it."""
    files = [finetune.checkpoint(number, precision) for number in range(1, MEMBERS + 1)]
    artifacts, out = [folder / f"ckpt-{number}.attar" for number in range(1, MEMBERS + 1)], folder / "back.safetensors"

    def pack() -> None:
        for number, (file, artifact) in enumerate(zip(files, artifacts)):
            base = ["--base", artifacts[number - 1]] if number else []
            call("pack", file, "-o", artifact, "--lossless", "--block", block.replace(" ", ""), *base)

    _, packed, packed_cpu = timed(pack)
    times: dict[int, list[float]] = {0: [], MEMBERS - 1: []}
    for _ in range(5):
        for number, seconds in times.items():
            seconds.append(timed(lambda: call("unpack", artifacts[number], "-o", out))[2])  # noqa: B023
            if out.read_bytes() != files[number].read_bytes():
                raise SystemExit("attar gave another checkpoint back")
    first, last = (statistics.median(times[number]) for number in (0, MEMBERS - 1))
    size = sum(artifact.stat().st_size for artifact in artifacts)
    return {"name": f"attar {block}", "bytes": size, "pack_seconds": round(packed, 3), "pack_cpu": round(packed_cpu, 3), "first_cpu": round(first, 4), "last_cpu": round(last, 4), "last_times_first": round(last / first, 3)}


def series() -> dict:
    if not finetune.checkpoint(MEMBERS, "bf16").exists():
        print("skipped: make the series first: python bench/finetune.py --with PYTHON")
        return {}
    lines, packs = [], attar_packs(finetune.checkpoint(1))
    for precision in ("fp32", "bf16"):
        size = sum(finetune.checkpoint(number, precision).stat().st_size for number in range(1, MEMBERS + 1))
        for block in BLOCKS:
            for make in (lmzip_series, *((attar_series,) if packs else ())):
                with scratch() as folder:
                    line = {"precision": precision, "raw_bytes": size} | make(precision, block, Path(folder))
                line["saved"] = round(1 - line["bytes"] / size, 5)
                lines.append(line)
                print(f"series, {precision}, {line['name']}: {line['bytes']:,} of {size:,} B, saved {line['saved']:.2%}; fifth in {line['last_times_first']:.2f} times the first's time", flush=True)
    return {"series": lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("codecs", "reads", "series"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    parts = {"codecs": lambda: codecs(options.rounds), "reads": reads, "series": series}
    result = measures.read_json(RESULTS / "tensors.json") | {"command": "python bench/tensors.py", "cpu": speed.cpu(), "threads": 1}
    for name, part in parts.items():
        if options.only in (None, name):
            result |= part()
    measures.write_json(RESULTS / "tensors.json", result)


if __name__ == "__main__":
    main()
