#include "data/documents/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "data/documents/names.h"
#include "data/input_file.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

using Language = std::pair<std::string_view, std::string_view>;

constexpr std::array markdown_endings =
    std::to_array<std::string_view>({"md", "markdown", "mdown", "mkd", "mdx", "rmd", "qmd"});
constexpr std::array html_endings = std::to_array<std::string_view>({"html", "htm", "xhtml"});
constexpr std::array manual_endings = std::to_array<std::string_view>({"man", "mdoc", "roff"});

// Ending and language, in the order of the languages.
constexpr std::array languages = std::to_array<Language>({
    {"adb", "ada"},
    {"ads", "ada"},
    {"s", "assembly"},
    {"asm", "assembly"},
    {"awk", "awk"},
    {"c", "c"},
    {"h", "c"},
    {"clj", "clojure"},
    {"cljs", "clojure"},
    {"cmake", "cmake"},
    {"cc", "cpp"},
    {"cpp", "cpp"},
    {"cxx", "cpp"},
    {"hh", "cpp"},
    {"hpp", "cpp"},
    {"hxx", "cpp"},
    {"inc", "cpp"},
    {"ipp", "cpp"},
    {"ixx", "cpp"},
    {"tpp", "cpp"},
    {"cs", "csharp"},
    {"css", "css"},
    {"less", "css"},
    {"scss", "css"},
    {"cu", "cuda"},
    {"cuh", "cuda"},
    {"d", "d"},
    {"dart", "dart"},
    {"diff", "diff"},
    {"patch", "diff"},
    {"ex", "elixir"},
    {"exs", "elixir"},
    {"elm", "elm"},
    {"erl", "erlang"},
    {"hrl", "erlang"},
    {"f", "fortran"},
    {"f90", "fortran"},
    {"f95", "fortran"},
    {"for", "fortran"},
    {"fs", "fsharp"},
    {"glsl", "glsl"},
    {"go", "go"},
    {"gradle", "groovy"},
    {"groovy", "groovy"},
    {"graphql", "graphql"},
    {"hs", "haskell"},
    {"lhs", "haskell"},
    {"ini", "ini"},
    {"cfg", "ini"},
    {"conf", "ini"},
    {"java", "java"},
    {"js", "javascript"},
    {"cjs", "javascript"},
    {"jsx", "javascript"},
    {"mjs", "javascript"},
    {"json", "json"},
    {"ipynb", "json"},
    {"jl", "julia"},
    {"kt", "kotlin"},
    {"kts", "kotlin"},
    {"el", "lisp"},
    {"lisp", "lisp"},
    {"lua", "lua"},
    {"mk", "make"},
    {"m", "objective-c"},
    {"mm", "objective-c"},
    {"ml", "ocaml"},
    {"mli", "ocaml"},
    {"pas", "pascal"},
    {"pl", "perl"},
    {"pm", "perl"},
    {"php", "php"},
    {"ps1", "powershell"},
    {"proto", "protobuf"},
    {"py", "python"},
    {"pyi", "python"},
    {"pyx", "python"},
    {"r", "r"},
    {"rb", "ruby"},
    {"rs", "rust"},
    {"scala", "scala"},
    {"scm", "scheme"},
    {"rkt", "scheme"},
    {"sh", "shell"},
    {"bash", "shell"},
    {"fish", "shell"},
    {"zsh", "shell"},
    {"sql", "sql"},
    {"sv", "verilog"},
    {"v", "verilog"},
    {"svelte", "svelte"},
    {"swift", "swift"},
    {"tcl", "tcl"},
    {"toml", "toml"},
    {"ts", "typescript"},
    {"tsx", "typescript"},
    {"vb", "visual-basic"},
    {"vhd", "vhdl"},
    {"vhdl", "vhdl"},
    {"vim", "vim"},
    {"vue", "vue"},
    {"xml", "xml"},
    {"svg", "xml"},
    {"xsd", "xml"},
    {"xsl", "xml"},
    {"yaml", "yaml"},
    {"yml", "yaml"},
    {"zig", "zig"},
});

constexpr std::array named_files = std::to_array<Language>({
    {"cmakelists.txt", "cmake"},
    {"containerfile", "docker"},
    {"dockerfile", "docker"},
    {"gnumakefile", "make"},
    {"makefile", "make"},
    {"gemfile", "ruby"},
    {"rakefile", "ruby"},
});

// The beginning of an interpreter's name, and its language.
constexpr std::array interpreters = std::to_array<Language>({
    {"python", "python"},
    {"bash", "shell"},
    {"sh", "shell"},
    {"dash", "shell"},
    {"ksh", "shell"},
    {"zsh", "shell"},
    {"fish", "shell"},
    {"perl", "perl"},
    {"ruby", "ruby"},
    {"node", "javascript"},
    {"lua", "lua"},
    {"php", "php"},
    {"tclsh", "tcl"},
    {"Rscript", "r"},
    {"awk", "awk"},
    {"gawk", "awk"},
    {"make", "make"},
    {"pwsh", "powershell"},
});

std::string_view language_of(std::span<const Language> table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Language::first);
  return found == table.end() ? std::string_view{} : found->second;
}

/// The ending without its dot, in lower case; "" for a name that only begins with a dot.
std::string ending_of(std::string_view path) {
  const std::string_view name = file_name(path);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? std::string{} : lowered(name.substr(dot + 1));
}

/// "1" … "9", also with letters behind: "3pm", "1ssl".
bool is_section(std::string_view ending) {
  return !ending.empty() && ending.size() <= 16 && ending[0] >= '1' && ending[0] <= '9' &&
         std::ranges::all_of(ending.substr(1), [](char c) { return c >= 'a' && c <= 'z'; });
}

/// Whether a line of the first ones is a request that pages begin with.
bool looks_like_manual(std::string_view head) {
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find('\n'));
    head.remove_prefix(std::min(line.size() + 1, head.size()));
    for (const std::string_view request : {".TH ", ".Dd ", ".Dt ", ".so ", ".de ", ".TH\t", ".Dd\t"})
      if (line.starts_with(request)) return true;
  }
  return false;
}

/// Behind blanks, an XML declaration and comments.
bool looks_like_html(std::string_view head) {
  for (;;) {
    head = trimmed(head);
    std::string_view end = head.starts_with("<!--") ? "-->" : head.starts_with("<?xml") ? "?>" : "";
    const std::size_t at = end.empty() ? std::string_view::npos : head.find(end);
    if (at == std::string_view::npos) break;
    head.remove_prefix(at + end.size());
  }
  return equal_ascii(head.substr(0, 14), "<!doctype html") || equal_ascii(head.substr(0, 5), "<html");
}

/// The language of "#!/usr/bin/env python3 -u".
std::string_view interpreted(std::string_view head) {
  std::string_view line = trimmed(head.substr(2, head.find('\n') - 2));
  const auto next_word = [&] {
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    line = trimmed(line.substr(word.size()));
    return file_name(word);
  };
  std::string_view name = next_word();
  while (name == "env" || name.starts_with('-')) name = next_word();
  for (const auto& [beginning, language] : interpreters)
    if (name.starts_with(beginning)) return language;
  return {};
}

}  // namespace

Result<std::optional<Format>> asked_format(std::string_view name) {
  if (name == "auto") return std::nullopt;
  if (name == "plain") return Format{};
  if (name == "markdown") return Format{.kind = DocumentKind::markdown};
  if (name == "html") return Format{.kind = DocumentKind::html};
  if (name == "code") return Format{.kind = DocumentKind::code};
  if (name == "man") return Format{.kind = DocumentKind::man};
  if (name == "pdf") return Format{.kind = DocumentKind::pdf};
  if (name == "jsonl") return Format{.kind = DocumentKind::record, .layout = RecordLayout::jsonl};
  if (name == "csv") return Format{.kind = DocumentKind::record, .layout = RecordLayout::csv};
  if (name == "tsv") return Format{.kind = DocumentKind::record, .layout = RecordLayout::tsv};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{} is no format of documents; give auto, plain, markdown, html, code, man, jsonl, csv, tsv or pdf",
                  in_quotes(name)));
}

std::string_view unpacked_name(std::string_view path) noexcept {
  if (path.size() > 3 && equal_ascii(path.substr(path.size() - 3), ".gz")) path.remove_suffix(3);
  return path;
}

std::optional<Format> format_of_name(std::string_view path) {
  path = unpacked_name(path);
  const std::string ending = ending_of(path);
  const auto among = [&](const auto& endings) { return std::ranges::find(endings, ending) != endings.end(); };
  if (ending == "jsonl" || ending == "ndjson")
    return Format{.kind = DocumentKind::record, .layout = RecordLayout::jsonl};
  if (ending == "csv") return Format{.kind = DocumentKind::record, .layout = RecordLayout::csv};
  if (ending == "tsv") return Format{.kind = DocumentKind::record, .layout = RecordLayout::tsv};
  if (ending == "pdf") return Format{.kind = DocumentKind::pdf};
  if (among(markdown_endings)) return Format{.kind = DocumentKind::markdown};
  if (among(html_endings)) return Format{.kind = DocumentKind::html};
  if (among(manual_endings)) return Format{.kind = DocumentKind::man};
  std::string_view language = language_of(named_files, lowered(file_name(path)));
  if (language.empty()) language = language_of(languages, ending);
  if (!language.empty()) return Format{.kind = DocumentKind::code, .language = language};
  return std::nullopt;
}

Format format_of_bytes(std::string_view path, std::string_view head) {
  if (head.starts_with(byte_order_mark)) head.remove_prefix(byte_order_mark.size());
  if (head.starts_with("%PDF-")) return {.kind = DocumentKind::pdf};
  if (is_section(ending_of(unpacked_name(path))) && looks_like_manual(head)) return {.kind = DocumentKind::man};
  if (looks_like_html(head)) return {.kind = DocumentKind::html};
  if (head.starts_with("#!")) return {.kind = DocumentKind::code, .language = interpreted(head)};
  return {};
}

std::string_view kind_name(DocumentKind kind) noexcept {
  switch (kind) {
    case DocumentKind::plain: return "plain";
    case DocumentKind::markdown: return "markdown";
    case DocumentKind::html: return "html";
    case DocumentKind::code: return "code";
    case DocumentKind::man: return "man";
    case DocumentKind::record: return "record";
    case DocumentKind::pdf: return "pdf";
  }
  return "unknown";
}

}  // namespace attar::data
