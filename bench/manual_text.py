"""Sentences of reference works that Debian packages: WordNet's glosses, manual pages, documentation in HTML, reStructuredText and pod.

Readers of make_manuals.py. Each gives (rows, titles): sentences worth searching, and short texts that people would search with.
"""
from __future__ import annotations

import gzip
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

PACKAGES = ("wordnet-base", "manpages", "manpages-dev", "perl-doc", "python3.11-doc", "postgresql-doc-15", "git-doc", "debian-handbook",
            "debian-reference-en", "debian-policy", "developers-reference", "octave-doc", "maxima-doc", "r-doc-html", "gnuplot-doc")
BREAK = re.compile(r"(?<=[.!?:;])\s+(?=[A-Z\"'(0-9`])|\n\s*\n")


def clean(text: str) -> str:
    return " ".join(text.split()).strip(" -*#=~^|")


def sentences(text: str) -> list[str]:
    return [clean(s) for s in BREAK.split(text)]


def fetch_one(folder: Path, package: str) -> Path:
    """A package unpacked below `folder`, from the machine's package sources; nothing is installed."""
    place = folder / package
    if not place.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-qq", "download", package], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        deb = next(folder.glob(f"{package}_*.deb"))
        part = folder / f"{package}.part"
        subprocess.run(["dpkg-deb", "-x", deb, part], check=True)
        deb.unlink()
        part.rename(place)
    return place


def fetch(folder: Path) -> dict[str, Path]:
    return {package: fetch_one(folder, package) for package in PACKAGES}


def wordnet(place: Path) -> tuple[list[str], list[str]]:
    """Words with their definition; sentences that show their use, as titles."""
    rows, examples = [], []
    for file in sorted(place.glob("usr/share/wordnet/data.*")):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):
                continue  # the licence
            head, gloss = line.split(" | ", 1)
            fields = head.split()
            words = [fields[4 + 2 * i].replace("_", " ") for i in range(int(fields[3], 16))]
            examples += [clean(e) for e in re.findall(r'"([^"]+)"', gloss)]
            definition = re.sub(r';? *"[^"]*"', "", gloss)
            rows.append(clean(f"{', '.join(words)}: {definition}"))
    return rows, examples


def read(file: Path) -> str:
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return data.decode("utf-8", errors="replace")


ROFF_ESCAPE = re.compile(r"\\(?:f(?:\[[^]]*\]|\(..|.)|s[-+]?\d|[&|^/,%:]|\*(?:\(..|\[[^]]*\]|.))")
ROFF_CHAR = re.compile(r"\\\((..)|\\\[([^]]+)\]|\\(.)")
ROFF_TEXT = re.compile(r"^\.(?:B|I|BR|RB|IR|RI|BI|IB|SM|SB)\s+(.*)$")
NAMED = {"em": " - ", "en": "-", "aq": "'", "dq": '"', "lq": '"', "rq": '"', "hy": "-", "bu": "*", "co": "(c)", "ti": "~", "ha": "^"}


def roff(text: str) -> tuple[list[str], list[str]]:
    """A manual page without its macros; its one-line summary as a title."""
    out, titles, section = [], [], ""
    for line in text.splitlines():
        if match := ROFF_TEXT.match(line):
            line = match.group(1).replace('"', "")
        elif line.startswith((".SH", ".SS")):
            section = line[3:].strip(' "')
            line = "\n\n"
        elif line.startswith((".", "'")):
            line = "\n\n" if line.startswith((".P", ".T", ".I", ".L", ".E", ".n", ".f", ".s", ".H", ".R")) else ""
        line = ROFF_ESCAPE.sub("", line)
        line = ROFF_CHAR.sub(lambda m: NAMED.get(m.group(1) or m.group(2) or "", m.group(3) or "") if m.group(3) != "-" else "-", line)
        if section.upper() == "NAME":
            titles += [clean(line)] if " - " in line else []
        else:
            out.append(line)
    return sentences("\n".join(out)), titles


def pod(text: str) -> tuple[list[str], list[str]]:
    for _ in range(3):
        text = re.sub(r"[A-Z]<+\s?([^<>]*?)\s?>+", r"\1", text)
    paragraphs = [p for p in text.split("\n\n") if not p.startswith(("=", " ", "\t"))]
    return sentences("\n\n".join(paragraphs)), [clean(t) for t in re.findall(r"^=head\d\s+(.+)$", text, re.M)]


def rst(text: str) -> tuple[list[str], list[str]]:
    titles = [clean(t) for t in re.findall(r"^(\S.*)\n(?:[=\-~^*]){4,}$", text, re.M)]
    text = re.sub(r"^\.\. .*$|^ *:[a-z]+:.*$|^[=\-~^*]{4,}$", "\n", text, flags=re.M)
    text = re.sub(r":[\w:+-]+:`[!~]?([^`<]*)(?:<[^>]*>)?`", r"\1", text)
    return sentences(re.sub(r"[`*]{1,2}", "", text)), titles


class Page(HTMLParser):
    """Text of paragraphs, items and cells; headings apart."""

    BREAKS = {"p", "li", "td", "dd", "dt", "div", "h1", "h2", "h3", "h4", "pre", "tr", "table", "ul", "title"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.titles: list[str] = []
        self.skipped, self.heading = 0, False

    def handle_starttag(self, tag, attrs) -> None:
        self.skipped += tag in ("script", "style", "pre")
        if tag in self.BREAKS:
            self.text.append("\n\n")
        if tag in ("h1", "h2", "h3"):
            self.heading = True
            self.titles.append("")

    def handle_endtag(self, tag) -> None:
        self.skipped -= tag in ("script", "style", "pre") and self.skipped > 0
        self.heading = self.heading and tag not in ("h1", "h2", "h3")
        if tag in self.BREAKS:
            self.text.append("\n\n")

    def handle_data(self, data) -> None:
        if self.skipped:
            return
        if self.heading:
            self.titles[-1] += data
        else:
            self.text.append(data)


def html(text: str) -> tuple[list[str], list[str]]:
    page = Page()
    page.feed(text)
    titles = [re.sub(r"^[\dA-Z]{1,2}(?:\.\d+)*\.?\s+", "", clean(t.replace("¶", ""))) for t in page.titles]
    return sentences("".join(page.text).replace("¶", "")), titles


def documents(place: Path) -> tuple[list[str], list[str]]:
    """All pages of a package, each by its own reader; of a handbook in many languages the English one."""
    rows, titles = [], []
    for file in sorted(p for p in place.rglob("*") if p.is_file()):
        name = str(file.relative_to(place))
        if re.search(r"/html/(?!en-US)[a-z]{2,3}(-[A-Z]{2}|-Hans|-Hant)?/|genindex|/changelog", name):
            continue
        if re.search(r"/man\d/.*\.gz$", name):
            found = roff(read(file))
        elif name.endswith(".pod"):
            found = pod(read(file))
        elif re.search(r"\.(rst|txt)$", name):
            found = rst(read(file))
        elif name.endswith(".html") and "_sources" not in name and not (place.name in ("python3.11-doc", "git-doc")):
            found = html(read(file))
        else:
            continue
        rows += found[0]
        titles += found[1]
    return rows, titles
