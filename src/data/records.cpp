#include "data/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace attar::data {
namespace {

std::string lowered(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

std::string Cell::as_text() const {
  if (!text.empty()) return std::string(text);
  switch (kind) {
    case Kind::truth: return truth ? "true" : "false";
    case Kind::whole: return fmt::to_string(whole);
    case Kind::real: return fmt::to_string(real);
    default: return {};
  }
}

Result<std::unique_ptr<RecordReader>> open_records(const InputFile& file) {
  const std::string ending = file.spooled() ? "" : lowered(std::filesystem::path(file.name()).extension().string());
  if (ending == ".jsonl" || ending == ".ndjson") return jsonl_records(file);
  if (ending == ".csv") return csv_records(file, ',');
  if (ending == ".tsv") return csv_records(file, '\t');
  std::array<std::byte, 1> first{};
  if (file.size() != 0) ATTAR_TRY(file.read_at(0, first));
  if (first[0] == std::byte{'{'}) return jsonl_records(file);
  return file.fail(ErrorCode::invalid_argument,
                   "is neither JSON lines nor CSV by its name; attributes come as .jsonl, .ndjson, .csv or .tsv");
}

}  // namespace attar::data
