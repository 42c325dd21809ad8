// The text of a line of a corpus: a JSON record's field, or the line itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attar::data {

enum class CorpusLayout : std::uint8_t { jsonl, plain };

/// JSON lines by the ending of the name (.jsonl, .ndjson), else where the first line that is not blank begins with {.
[[nodiscard]] CorpusLayout layout_of(std::string_view name, std::string_view first_line);

/// Reads one line at a time: for one thread.
class TextOfLine {
 public:
  /// `fields` make the text of a record, with an empty line between them; none: the first of text, body, content,
  /// description, abstract that holds a text.
  TextOfLine(CorpusLayout layout, std::span<const std::string> fields);
  TextOfLine(TextOfLine&&) noexcept;
  ~TextOfLine();

  /// The text of a line that is not blank, good until the next call; nothing where it has none, and reason() says why.
  /// LineReader::padding bytes must be readable behind the line.
  [[nodiscard]] std::optional<std::string_view> read(std::string_view line);
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  /// "_id" or "id" of the record that was read, as text; empty where it has none.
  [[nodiscard]] std::string id() const;

 private:
  struct Parser;

  CorpusLayout layout_;
  std::vector<std::string> fields_;
  std::unique_ptr<Parser> parser_;
  std::string joined_, reason_;
};

/// Appends text to JSON in quotes. What is not UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace attar::data
