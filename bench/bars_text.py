"""The bars of documents and encoders, from bench/results; bars.py prints them."""
from __future__ import annotations

from datasets import RESULTS

from bar import Bar, absent
from measures import read_json


def encoder_bars() -> list[Bar]:
    result = read_json(RESULTS / "encoder_quality.json")
    lines = {line["encoder"]: line for line in result.get("lines", [])}
    own = lines.get("attar")
    if own is None:
        return [absent("encoder that Attar carries", "STS >= 0.721", "encoder_quality")]
    rival = lines.get("wordllama", {"sts": 0.706, "cranfield": 0.415})
    rate = result["sentences_per_second"]["attar"]
    return [Bar("own encoder, STS-2014 (95% of its teacher's 0.759)", ">= 0.721", f"{own['sts']:.4f}", own["sts"] >= 0.95 * 0.759),
            Bar("own encoder above wordllama", "STS, Cranfield", f"{own['sts']:.4f} and {own['cranfield']:.4f}, wordllama {rival['sts']:.4f} and {rival['cranfield']:.4f}",
                own["sts"] > rival["sts"] and own["cranfield"] > max(rival["cranfield"], 0.415)),
            Bar("own encoder, short sentences a second, one core", ">= 50,000", f"{rate:,.0f}", rate >= 50_000)]


def bert_bars() -> list[Bar]:
    result = read_json(RESULTS / "encoders.json")
    if not result:
        return [absent("MiniLM run by Attar", "cosines, 2x", "encoders")]
    out = []
    for precision, line in result.get("cosines", {}).items():
        out.append(Bar(f"MiniLM, {precision}, cosine to the fp32 reference, 1,000 texts", f">= {line['bar']}", f"{line['least']:.7f}", line["least"] >= line["bar"]))
    for threads, sets in result.get("speed", {}).items():
        for name, line in sets.items():
            ratio = line["contenders"]["attar int8"]["times_the_rival"]["clock"]
            out.append(Bar(f"MiniLM, int8, texts a second, {name}, {threads}", ">= 2x sentence-transformers", f"{ratio:.2f}x" + ("" if threads.startswith("2") else " (the bar asks two threads)"), ratio >= 2))
    return out


def document_bars() -> list[Bar]:
    out: list[Bar] = []
    diverse: list[Bar] = []
    asked = {"debian": ("title finds its description, words and vectors in 12 MB", 0.83), "cranfield": ("Cranfield nDCG@10", 0.54), "hotpot": ("HotpotQA, both gold in ten", 0.0)}
    for file, encoder, floors in (("documents.json", "own encoder", {}), ("documents_bert.json", "MiniLM", {"cranfield": 0.565})):
        for line in read_json(RESULTS / file).get("lines", []):
            what, least = asked[line["set"]]
            least = floors.get(line["set"], least)
            legs = max(line["semantic"], line["lexical"])
            if line["set"] == "debian" and not floors:
                spent = line["milliseconds"]["hybrid"]["median"]
                out.append(Bar(f"a question, words and meaning, {line['documents']:,} documents, one thread", "<= 3 ms median", f"{spent:.2f} ms", spent <= 3))
            if line["set"] == "cranfield" and not floors and "bm25s" in line:
                out.append(Bar("words against bm25s, Cranfield", "nDCG@10 within 0.002, faster", f"{line['lexical']:.4f} in {line['milliseconds']['lexical']['lexical']:.3f} ms, bm25s {line['bm25s']:.4f} in "
                               f"{line['bm25s_milliseconds']:.3f} ms", abs(line["lexical"] - line["bm25s"]) <= 0.002 and line["milliseconds"]["lexical"]["lexical"] < line["bm25s_milliseconds"]))
            if line["set"] == "hotpot":
                diverse.append(Bar(f"HotpotQA, both gold in ten, --diverse against plain, {encoder}", "above", f"{line['diverse']:.4f}, plain {line['hybrid']:.4f}, above it {line['diverse_above_plain']}", line["diverse"] > line["hybrid"]))
            holds = line["hybrid"] >= least and line["hybrid"] >= legs and (line["set"] != "debian" or line["words_and_vectors"] <= 12_000_000)
            out.append(Bar(f"{what}, {encoder}", f">= {least:g}, no leg above", f"{line['hybrid']:.4f}; meaning {line['semantic']:.4f}, words {line['lexical']:.4f}; above them {line['above_semantic']}, {line['above_lexical']}", holds))
    if not out:
        out.append(absent("documents", "three sets", "documents"))
    if not (RESULTS / "documents_bert.json").exists():
        out.append(absent("documents with MiniLM", "Cranfield >= 0.565, Debian more", "documents --encoder DIR"))
    own, other = ({line["set"]: line["hybrid"] for line in read_json(RESULTS / file).get("lines", [])} for file in ("documents.json", "documents_bert.json"))
    if "debian" in own and "debian" in other:
        out.append(Bar("title finds its description, MiniLM against own encoder", "more", f"{other['debian']:.4f}, {other['debian'] - own['debian']:+.4f}", other["debian"] > own["debian"]))
    return out + diverse + [relevance_bar(), demo_bar()]


def relevance_bar() -> Bar:
    line = read_json(RESULTS / "relevance.json")
    if not line:
        return absent("--min-relevance auto, wang_test", "precision up, nine of ten answers kept", "relevance")
    return Bar("--min-relevance auto, wang_test", "precision up, loss of answers stated", f"{line['precision']:.4f} to {line['precision_auto']:.4f}, {line['recall_kept']:.4f} of the answers kept", line["precision_auto"] > line["precision"])


def demo_bar() -> Bar:
    line = read_json(RESULTS / "demo.json")
    if not line:
        return absent("./do demo from a fresh clone, two cores", "<= 5 minutes, <= 60 s of it packing and asking", "demo")
    return Bar("./do demo from a fresh clone, two cores", "<= 5 minutes, <= 60 s packing and asking", f"{line['seconds']:.0f} s, {line['asking_seconds']:.0f} s of it packing and asking; {line['note']}", line["seconds"] <= 300 and line["asking_seconds"] <= 60)


def chunk_bars() -> list[Bar]:
    lines = read_json(RESULTS / "chunks.json").get("wordllama", [])
    if not lines:
        return [absent("chunks", "recall and IoU above peers", "chunks")]
    out, names = [], sorted({line["name"] for line in lines})

    def mean(name: str, what: str) -> float:
        own = [line[what] for line in lines if line["name"] == name]
        return sum(own) / len(own)

    peers = [name for name in names if not name.startswith("attar")]
    for what in ("recall@5", "iou@5", "recall@budget", "iou@budget"):
        best = max(peers, key=lambda name: mean(name, what))
        own = max((name for name in names if name.startswith("attar")), key=lambda name: mean(name, what))
        out.append(Bar(f"chunks, {what.replace('budget', '1,000 tokens')}, mean over five sizes", "above the best peer", f"{mean(own, what):.4f} ({own}), {best} {mean(best, what):.4f}", mean(own, what) > mean(best, what)))
    broken = sum(line["too_long"] for line in lines if line["name"].startswith("attar"))
    out.append(Bar("chunks beyond the hard size", "none", str(broken), broken == 0))
    return out
