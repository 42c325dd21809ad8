// A document: text with where it came from, its title and its fields. spec.md says what becomes of which file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace attar::data {

enum class DocumentKind : std::uint8_t { plain, markdown, html, code, man, record, pdf };

/// "plain", "markdown" …: for listings.
[[nodiscard]] std::string_view kind_name(DocumentKind kind) noexcept;

/// A value of a record; empty: null.
using FieldValue = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>>;

struct Field {
  std::string name;
  FieldValue value;

  friend bool operator==(const Field&, const Field&) = default;
};

struct Document {
  std::string path;          ///< below the root, with '/', in the file system's bytes; a root that is a file: its name
  std::uint64_t record = 0;  ///< the line of its file on which the record begins, from 1 on; 0: the whole file
  std::string id = {};       ///< of a record that has one, else empty
  std::string title = {};    ///< its own, or the file's name; UTF-8 where it is its own
  std::string text = {};     ///< UTF-8 without NUL, not blank
  DocumentKind kind = DocumentKind::plain;
  std::string language = {};       ///< of code: "cpp", "python" …; else empty
  bool verbatim = false;           ///< the text is the file's bytes from `offset` on
  std::uint64_t offset = 0;        ///< bytes before the text in a verbatim file: those of a byte order mark
  std::vector<Field> fields = {};  ///< of a record
};

/// What could not be read: "sub/a.md", 0, "cannot open: Permission denied".
struct Skipped {
  std::string path;
  std::string reason;
  std::uint64_t record = 0;  ///< the line, of a record; 0: the whole file

  friend bool operator==(const Skipped&, const Skipped&) = default;
};

struct DocumentOptions {
  std::vector<std::string> text_fields = {};  ///< of records; empty: the usual names, see spec.md
  std::vector<std::string> meta_fields = {};  ///< of records: what to keep; empty: all but text, id and title
  std::string format =
      "auto";             ///< of all files: "plain", "markdown", "html", "code", "man", "jsonl", "csv", "tsv", "pdf"
  bool gitignore = true;  ///< leave out what .gitignore files name
  bool hidden = false;    ///< let in names that begin with a dot
  std::uint64_t largest_file = 256ull << 20;     ///< bytes, unpacked; of records no limit, they are streamed
  std::uint64_t largest_unpacked = 16ull << 30;  ///< bytes that a packed file of records may take as a scratch file
  std::uint64_t longest_record = 64ull << 20;    ///< bytes of a row
  std::uint64_t most_files = 10'000'000;         ///< a folder of more is an error
  std::uint64_t most_named = 10'000;             ///< so many of what is skipped are named; all are counted
  std::filesystem::path scratch = {};            ///< folder of scratch files; empty: $TMPDIR or /tmp
};

}  // namespace attar::data
