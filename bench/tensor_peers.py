"""Lossless compressors of weights beside Attar, one class each, all on one thread: memory to memory, and file to file.

lmzip 1.3.0     codec: the C core that it compiles on first use (AVX2, the best that it has). In memory: its planner and its encoder a chunk, and ArchiveIndex.decode, each
                chunk into its place of the whole; files: compress() and decompress(), one worker. Chunks of 8 MiB, its default, and blocks of 64 KiB ("mapped"),
                also with the tables that its option shared_tables puts into one place.
zipnn 0.5.4     its C core, called as its class ZipNN calls it (which needs torch to be imported at all): two planes of bfloat16, four of float32, chunks of 256 KiB.
                It changes its input in place: each run gets a copy, made before the clock starts.
openzl 0.3.0    floats taken apart into exponents and the rest (its nodes for each type); exponents, and of float32 each byte of the rest, coded by FSE or, quicker, by Huffman;
                the rest of bfloat16, which no coder makes smaller, stored. The best of its graphs that were tried: its generic graph for numbers saves less and takes ten
                times as long. The header is a frame of its own, by the generic graph.
zstd            levels 1 and 19, whole buffer.
"""
from __future__ import annotations

from datasets import OUT  # noqa: F401  pins every pool to one thread: before the peers are imported

import importlib.metadata
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zstandard

import weights

FAMILIES = {"lmzip": "lmzip", "zipnn": "zipnn", "openzl": "openzl", "zstd": "zstandard"}  # and the packages that they come in


@dataclass
class Model:
    """A safetensors file whose tensors are of one type, `dtype`, but for a few before them; those of the type begin at byte `begin` and fill the rest."""

    path: Path
    raw: bytes
    dtype: str
    begin: int

    @staticmethod
    def read(path: Path) -> "Model":
        raw, tensors = path.read_bytes(), list(weights.read(path).tensors.values())
        dtype = tensors[-1].dtype
        tail = 0
        while tensors and tensors[-1].dtype == dtype:
            tail += len(tensors.pop().data)
        return Model(path, raw, dtype, len(raw) - tail)


class Peer:
    """encode(model) gives what decode() takes, in memory; both are timed. `fresh` copies the input before an encoder that changes it."""

    family = name = ""
    rounds: int | None = None  # fewer than asked, for the slow

    def fresh(self, model: Model) -> Model:
        return model

    def encode(self, model: Model) -> object:
        raise NotImplementedError

    def decode(self, coded: object) -> bytes | bytearray | memoryview:
        raise NotImplementedError

    def encode_file(self, model: Model, out: Path) -> None:
        """As a user of the package would: read, encode, write."""
        out.write_bytes(self.joined(self.encode(self.fresh(Model(model.path, model.path.read_bytes(), model.dtype, model.begin)))))

    def decode_file(self, coded: Path, out: Path) -> None:
        out.write_bytes(self.decode(self.parted(coded.read_bytes())))

    def joined(self, coded) -> bytes:
        return coded

    def parted(self, data: bytes) -> object:
        return data


class Lmzip(Peer):
    family = "lmzip"

    def __init__(self, chunk: int, shared: bool = False) -> None:
        import lmz  # noqa: PLC0415  each peer may be absent
        from lmz import codec, planner  # noqa: PLC0415

        self.lmz, self.codec, self.planner = lmz, codec, planner
        self.options = {"chunk_size": chunk, "mapped": chunk < 1 << 20, "shared_tables": shared, "workers": 1}
        self.chunk, self.shared = chunk, shared
        self.name = f"lmzip {chunk >> 20} MiB" if chunk >= 1 << 20 else f"lmzip {chunk >> 10} KiB{', shared tables' if shared else ''}"
        if not lmz.backends()["kernel"].startswith("native"):
            raise ImportError("lmzip has no C core: install a C compiler")

    def encode(self, model: Model) -> list:
        """Chunks as compress() makes them, without the archive around them (whose size is a file's)."""
        size = len(model.raw)
        plan = self.planner.chunkify(self.planner.probe(io.BytesIO(model.raw), size), size, self.chunk)
        return [self.codec.encode_chunk(model.raw[first:last], width, 1, True, kind=kind, btype=block) for first, last, width, kind, _, block, _ in plan]

    def index(self, file: Path) -> tuple:
        index = self.lmz.ArchiveIndex(str(file))
        return index, index.chunks(), memoryview(file.read_bytes())

    def decode(self, coded: tuple) -> bytearray:
        index, chunks, archive = coded
        out = bytearray(index.original_size)
        view = memoryview(out)
        for chunk in chunks:
            place = view[chunk.dst : chunk.dst + chunk.rlen]
            found = index.decode(chunk, archive[chunk.off : chunk.off + chunk.clen], out=place)
            if getattr(found, "obj", None) is not out:  # stored or by zstd: not decoded in place
                place[:] = found
        return out

    def encode_file(self, model: Model, out: Path) -> None:
        self.lmz.compress(str(model.path), str(out), **self.options)

    def decode_file(self, coded: Path, out: Path) -> None:
        self.lmz.decompress(str(coded), str(out), workers=1, overwrite=True)


class Zipnn(Peer):
    family = name = "zipnn"
    CHUNK, THRESHOLD, CHECK = 256 * 1024, 0.95, 10  # the defaults of its class
    PLANES = {"BF16": (2, 10), "F32": (4, 220)}

    def __init__(self) -> None:
        import zipnn_core  # noqa: PLC0415

        self.core = zipnn_core

    def fresh(self, model: Model) -> Model:
        return Model(model.path, bytearray(model.raw), model.dtype, model.begin)

    def encode(self, model: Model) -> tuple:
        planes, order = self.PLANES[model.dtype]
        return planes, order, len(model.raw), self.core.zipnn_core(bytes(32), model.raw, planes, 1, order, 0, self.CHUNK, self.THRESHOLD, self.CHECK, 1)

    def decode(self, coded: tuple) -> bytes:
        planes, order, size, data = coded
        return self.core.combine_dtype(memoryview(data)[32:], planes, 1, order, self.CHUNK, size, 1)

    def joined(self, coded: tuple) -> bytes:
        planes, order, size, data = coded
        self.kept = planes, order, size  # its header of 32 bytes has room for them
        return data

    def parted(self, data: bytes) -> tuple:
        return *self.kept, data


class Openzl(Peer):
    family = "openzl"

    def __init__(self, coder: str) -> None:
        import openzl.ext as zl  # noqa: PLC0415

        self.zl, self.coder, self.name = zl, coder, f"openzl, {coder}"

    def context(self, build) -> object:
        compressor = self.zl.Compressor()
        compressor.select_starting_graph(build(compressor))
        context = self.zl.CCtx()
        context.ref_compressor(compressor)
        context.set_parameter(self.zl.CParam.FormatVersion, self.zl.MAX_FORMAT_VERSION)
        return context, compressor

    def encode(self, model: Model) -> tuple:
        zl = self.zl
        coder = zl.graphs.Fse if self.coder == "FSE" else zl.graphs.Huffman
        head, _first = self.context(lambda c: zl.graphs.Compress()(c))
        if model.dtype == "BF16":
            body, _second = self.context(lambda c: zl.nodes.BFloat16Deconstruct()(c, sign_frac=zl.graphs.Store()(c), exponent=coder()(c)))
        else:
            body, _second = self.context(lambda c: zl.nodes.Float32Deconstruct()(c, sign_frac=zl.nodes.TransposeSplit()(c, coder()(c)), exponent=coder()(c)))
        start = np.frombuffer(model.raw, np.uint8, model.begin)
        rest = np.frombuffer(model.raw, weights.TYPES[model.dtype], offset=model.begin).view(np.uint16 if model.dtype == "BF16" else np.uint32)
        return head.compress([zl.Input(zl.Type.Serial, start)]), body.compress([zl.Input(zl.Type.Numeric, rest)])

    def decode(self, coded: tuple) -> bytes:
        context = self.zl.DCtx()
        # Two views of what openzl decoded, not one copy: joining them is not its work.
        return tuple(memoryview(context.decompress(part)[0].content.as_nparray()).cast("B") for part in coded)

    def joined(self, coded: tuple) -> bytes:
        return len(coded[0]).to_bytes(8, "little") + coded[0] + coded[1]

    def parted(self, data: bytes) -> tuple:
        at = 8 + int.from_bytes(data[:8], "little")
        return data[8:at], data[at:]

    def decode_file(self, coded: Path, out: Path) -> None:
        with out.open("wb") as file:
            file.writelines(self.decode(self.parted(coded.read_bytes())))


class Zstd(Peer):
    family = "zstd"

    def __init__(self, level: int) -> None:
        self.level, self.name = level, f"zstd -{level}"
        self.rounds = 1 if level > 10 else None

    def encode(self, model: Model) -> bytes:
        return zstandard.ZstdCompressor(level=self.level).compress(model.raw)

    def decode(self, coded: bytes) -> bytes:
        return zstandard.ZstdDecompressor().decompress(coded)


def all_peers() -> list[Peer]:
    """Those that are installed; the absent are named on standard output."""
    out: list[Peer] = []
    makers = [lambda: Lmzip(8 << 20), lambda: Lmzip(64 << 10), lambda: Lmzip(64 << 10, True), Zipnn, lambda: Openzl("FSE"), lambda: Openzl("Huffman"), lambda: Zstd(1), lambda: Zstd(19)]
    for make in makers:
        try:
            out.append(make())
        except ImportError as error:
            print(f"a peer is left out: {error}")
    return out


def versions(peers: list[Peer]) -> dict[str, str]:
    return {package: importlib.metadata.version(package) for package in sorted({FAMILIES[peer.family] for peer in peers})}


def same(found: object, model: Model) -> bool:
    """Whether what a peer decoded, one buffer or several in a row, is the file."""
    parts = found if isinstance(found, tuple) else (found,)
    return b"".join(parts) == model.raw
