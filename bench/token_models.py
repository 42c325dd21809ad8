"""Tokenizers of every layout that Attar reads, trained on given texts by the libraries that such files come from; and how those libraries count.

Used by bench/token_counts.py and by scripts/make_tokenizer_fixtures.py.
"""
from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sentencepiece
import tiktoken
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTION}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTION}?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^" "\r\n" r"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[" "\r\n" r"]*|\s*[" "\r\n" r"]+|\s+(?!\S)|\s+")
BLANK = "\u2581"


@dataclass
class Model:
    """A file that Attar opens by `name`, and the count of the library that it is for."""

    title: str
    name: str
    peer: str
    count: Callable[[list[str]], list[int]]


def of_tokenizers(title: str, path: Path) -> Model:
    own = Tokenizer.from_file(str(path))
    return Model(title, str(path), "tokenizers", lambda texts: [len(one.ids) for one in own.encode_batch_fast(texts, add_special_tokens=False)])


def of_tiktoken(title: str, path: Path, pattern: str, name: str = "") -> Model:
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in path.read_bytes().splitlines() if line)}
    own = tiktoken.Encoding(title, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return Model(title, name or str(path), "tiktoken", lambda texts: [len(own.encode_ordinary(text)) for text in texts])


def of_sentencepiece(title: str, path: Path) -> Model:
    own = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return Model(title, str(path), "sentencepiece", lambda texts: [len(one) for one in own.encode(texts, num_threads=1)])


def tiktoken_pattern(name: str) -> str:
    """The pattern of an encoding, out of tiktoken's own source: its constructors fetch files."""
    import tiktoken_ext.openai_public as public  # noqa: PLC0415

    kept = public.load_tiktoken_bpe
    public.load_tiktoken_bpe = lambda *_, **__: {}
    try:
        return getattr(public, name)()["pat_str"]
    finally:
        public.load_tiktoken_bpe = kept


def byte_level(texts: list[str], size: int, split: pre_tokenizers.PreTokenizer, normalizer: normalizers.Normalizer | None = None, **settings: bool) -> Tokenizer:
    own = Tokenizer(models.BPE(**settings))
    own.pre_tokenizer, own.decoder = split, decoders.ByteLevel()
    if normalizer is not None:
        own.normalizer = normalizer
    own.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<|endoftext|>"]))
    return own


def split_by(pattern: str, behavior: str = "isolated", invert: bool = False) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), behavior, invert), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def save(own: Tokenizer, path: Path, **settings: object) -> Path:
    """One line of JSON, with changes in the model."""
    data = json.loads(own.to_str())
    data["model"] |= settings
    path.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    return path


def json_models(texts: list[str], size: int, folder: Path) -> Iterator[Model]:
    gpt2 = byte_level(texts, size, pre_tokenizers.ByteLevel(add_prefix_space=False))
    yield of_tokenizers("BPE, gpt2", save(gpt2, folder / "gpt2.json"))
    merges = json.loads(gpt2.to_str())["model"]["merges"]
    yield of_tokenizers("BPE, merges as strings", save(gpt2, folder / "gpt2-strings.json", merges=[" ".join(pair) for pair in merges]))
    added = byte_level(texts, size, pre_tokenizers.ByteLevel(add_prefix_space=True), normalizers.NFC())
    added.add_tokens([AddedToken("the", single_word=True, normalized=True), AddedToken("<x>", lstrip=True, normalized=False), AddedToken("<xy>", rstrip=True, normalized=False),
                      AddedToken("caf\u00e9", normalized=True), AddedToken(" of ", normalized=False)])
    yield of_tokenizers("BPE, NFC, prefix, added tokens", save(added, folder / "added.json"))
    yield of_tokenizers("BPE, llama3", save(byte_level(texts, size, split_by(LLAMA3), ignore_merges=True), folder / "llama3.json"))
    yield of_tokenizers("BPE, NFC, qwen2", save(byte_level(texts, size, split_by(QWEN2), normalizers.NFC()), folder / "qwen2.json"))
    yield of_tokenizers("BPE, o200k", save(byte_level(texts, size, split_by(O200K, "removed", True)), folder / "o200k.json"))
    other = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"), pre_tokenizers.Split(Regex("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"), "isolated"),
                                     pre_tokenizers.Split(Regex(DEEPSEEK), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    yield of_tokenizers("BPE, patterns by ICU", save(byte_level(texts, size, other), folder / "deepseek.json"))
    digits = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Split("-", "merged_with_next"), pre_tokenizers.Split(".", "merged_with_previous"),
                                      pre_tokenizers.Split("=", "contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    yield of_tokenizers("BPE, digits, splits by strings", save(byte_level(texts, size, digits), folder / "digits.json"))
    yield from spaced_models(texts, size, folder)
    words = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    words.normalizer, words.pre_tokenizer = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=size, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    yield of_tokenizers("WordPiece", save(words, folder / "wordpiece.json"))


def spaced_models(texts: list[str], size: int, folder: Path) -> Iterator[Model]:
    """BPE over characters, with bytes for those that are no token."""
    special = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    for title, name, normalizer, split in (
        ("BPE of characters, llama2", "llama2", normalizers.Sequence([normalizers.Prepend(BLANK), normalizers.Replace(" ", BLANK)]), None),
        ("BPE of characters, Metaspace", "metaspace", None, pre_tokenizers.Metaspace(prepend_scheme="always"))):
        own = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=name == "llama2"))
        if normalizer is not None:
            own.normalizer = normalizer
        # Trained on words, whatever it is used with.
        own.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
        own.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size + len(special), show_progress=False, special_tokens=special, limit_alphabet=120))
        data = json.loads(own.to_str())
        data["added_tokens"] = []
        if split is None:
            data["pre_tokenizer"] = None
        path = folder / f"{name}.json"
        path.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
        yield of_tokenizers(title, path)


def tiktoken_models(texts: list[str], size: int, folder: Path) -> Iterator[Model]:
    own = json.loads(byte_level(texts, size, split_by(O200K)).to_str())["model"]
    alphabet = {c: byte for byte, c in bytes_to_characters().items()}
    ranks = {bytes([byte]): byte for byte in range(256)}
    for left, right in own["merges"]:
        ranks.setdefault(bytes(alphabet[c] for c in left + right), len(ranks))
    lines = b"".join(base64.b64encode(token) + f" {rank}\n".encode() for token, rank in ranks.items())
    for name in ("cl100k_base", "o200k_base", "r50k_base"):
        path = folder / f"{name}.tiktoken"
        path.write_bytes(lines)
        yield of_tiktoken(f"tiktoken, {name}", path, tiktoken_pattern(name))
    yield of_tiktoken("tiktoken, :llama3", path, LLAMA3, f"{path}:llama3")


def bytes_to_characters() -> dict[int, str]:
    """GPT-2's alphabet."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}


def sentencepiece_models(texts: list[str], size: int, folder: Path) -> Iterator[Model]:
    lines = [line for text in texts for line in re.split(r"[\r\n]+", text) if line.strip() and "\0" not in line]
    for title, name, settings in (
        ("SentencePiece, unigram", "unigram", {}),
        ("SentencePiece, unigram, bytes, pieces of the user's", "unigram-bytes", {"byte_fallback": True, "user_defined_symbols": ["<sep>", "foo bar"], "remove_extra_whitespaces": False, "normalization_rule_name": "identity"}),
        ("SentencePiece, BPE, bytes", "bpe-bytes", {"model_type": "bpe", "byte_fallback": True, "remove_extra_whitespaces": False, "normalization_rule_name": "identity", "split_digits": True}),
        ("SentencePiece, BPE, pieces of the user's", "bpe", {"model_type": "bpe", "user_defined_symbols": ["<sep>", "foo bar"], "normalization_rule_name": "identity"}),
        ("SentencePiece, BPE across words, suffix", "bpe-across", {"model_type": "bpe", "split_by_whitespace": False, "treat_whitespace_as_suffix": True, "normalization_rule_name": "identity"})):
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_prefix=str(folder / name), vocab_size=size + (256 if settings.get("byte_fallback") else 0),
                                                 hard_vocab_limit=False, num_threads=1, minloglevel=2, character_coverage=0.999, **settings)
        (folder / f"{name}.vocab").unlink()
        yield of_sentencepiece(title, folder / f"{name}.model")


def train(texts: list[str], size: int, folder: Path) -> Iterator[Model]:
    folder.mkdir(parents=True, exist_ok=True)
    yield from json_models(texts, size, folder)
    yield from tiktoken_models(texts, size, folder)
    yield from sentencepiece_models(texts, size, folder)
