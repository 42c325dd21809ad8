#include "data/text_of_line.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <utility>

#include "data/json_id.h"
#include "data/line_reader.h"

namespace attar::data {
namespace {

static_assert(LineReader::padding >= simdjson::SIMDJSON_PADDING);

constexpr std::array usual_text_fields =
    std::to_array<std::string_view>({"text", "body", "content", "description", "abstract"});

std::optional<std::string_view> text_at(const simdjson::dom::object& record, std::string_view name) {
  std::string_view text;
  if (record.at_key(name).get(text) != simdjson::SUCCESS) return std::nullopt;
  if (text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos) return std::nullopt;
  return text;
}

/// Bytes of the UTF-8 sequence at the front; 0 where there is none.
std::size_t sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return simdjson::validate_utf8(text.data(), std::min(length, text.size())) && length <= text.size() ? length : 0;
}

}  // namespace

CorpusLayout layout_of(std::string_view name, std::string_view first_line) {
  const std::size_t begin = first_line.find_first_not_of(" \t");
  const bool record = begin != std::string_view::npos && first_line[begin] == '{';
  return record || name.ends_with(".jsonl") || name.ends_with(".ndjson") ? CorpusLayout::jsonl : CorpusLayout::plain;
}

struct TextOfLine::Parser {
  simdjson::dom::parser parser;
  simdjson::dom::object record;
};

TextOfLine::TextOfLine(CorpusLayout layout, std::span<const std::string> fields)
    : layout_(layout), fields_(fields.begin(), fields.end()), parser_(std::make_unique<Parser>()) {}
TextOfLine::TextOfLine(TextOfLine&&) noexcept = default;
TextOfLine::~TextOfLine() = default;

std::optional<std::string_view> TextOfLine::read(std::string_view line) {
  if (layout_ == CorpusLayout::plain) return line;
  const auto error = parser_->parser.parse(line.data(), line.size(), false).get(parser_->record);
  if (error != simdjson::SUCCESS) {
    reason_ = fmt::format("is no JSON object ({})", simdjson::error_message(error));
    return std::nullopt;
  }
  if (fields_.empty()) {
    for (const std::string_view name : usual_text_fields)
      if (const auto text = text_at(parser_->record, name)) return text;
    reason_ = fmt::format("has no text in {}", fmt::join(usual_text_fields, ", "));
    return std::nullopt;
  }
  if (fields_.size() == 1) {
    const auto text = text_at(parser_->record, fields_.front());
    if (!text) reason_ = fmt::format("has no text in {}", fields_.front());
    return text;
  }
  joined_.clear();
  for (const std::string& name : fields_) {
    const auto text = text_at(parser_->record, name);
    if (!text) continue;
    if (!joined_.empty()) joined_ += "\n\n";
    joined_ += *text;
  }
  if (!joined_.empty()) return joined_;
  reason_ = fmt::format("has no text in {}", fmt::join(fields_, ", "));
  return std::nullopt;
}

std::string TextOfLine::id() const {
  if (layout_ == CorpusLayout::plain) return {};
  for (const std::string_view key : {"_id", "id"})
    if (auto id = id_of(parser_->record, key)) return *std::move(id);
  return {};
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  const bool sound = simdjson::validate_utf8(text.data(), text.size());
  out += '"';
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else if (sound || byte < 0x80) {
      out += c;
    } else if (const std::size_t length = sequence(text.substr(at)); length != 0) {
      out += text.substr(at, length);
      at += length - 1;
    } else {
      out += "\xef\xbf\xbd";
    }
  }
  out += '"';
}

}  // namespace attar::data
