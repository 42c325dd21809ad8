#include "engine/export_metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/input_file.h"
#include "data/utf8.h"
#include "engine/export_types.h"

namespace attar::engine {
namespace {

constexpr std::string_view architecture_key = "general.architecture", name_key = "general.name",
                           file_type_key = "general.file_type", quantization_key = "general.quantization_version";
constexpr std::uint32_t quantization_version = 2;  // of ggml's blocks
// Says that no loader is to take the tensors for a model that it knows.
constexpr std::string_view unknown_architecture = "unknown";

bool is_written_here(std::string_view key) noexcept { return key == file_type_key || key == quantization_key; }

using MetadataTexts = std::vector<std::pair<std::string_view, std::string>>;

bool has_key(const MetadataTexts& texts, std::string_view key) noexcept {
  return std::ranges::find(texts, key, &MetadataTexts::value_type::first) != texts.end();
}

Result<MetadataTexts> texts_of(const ExportGgufOptions& options) {
  MetadataTexts out;
  if (!options.architecture.empty()) out.emplace_back(architecture_key, options.architecture);
  if (!options.name.empty()) out.emplace_back(name_key, options.name);
  for (const auto& [key, value] : options.metadata) {
    if (is_written_here(key) || key == data::gguf_alignment_key)
      return fail(ErrorCode::invalid_argument, fmt::format("{} is not to be given: the tensors decide it", key));
    if (has_key(out, key))
      return fail(ErrorCode::invalid_argument, fmt::format("{} is given twice", data::in_quotes(key)));
    out.emplace_back(key, value);
  }
  for (const auto& [key, value] : out)
    if (!data::is_utf8(value))
      return fail(ErrorCode::invalid_argument, fmt::format("the value of {} is no UTF-8", data::in_quotes(key)));
  return out;
}

}  // namespace

Result<ExportMetadata> make_metadata(const ExportSource& source, const ExportGgufOptions& options,
                                     const std::string& default_name, std::string_view file_type) {
  ATTAR_ASSIGN(MetadataTexts texts, texts_of(options));
  const auto carried = source.metadata();
  const auto lacks = [&](std::string_view key) {
    return !has_key(texts, key) && std::ranges::find(carried, key, &data::GgufEntry::key) == carried.end();
  };
  if (lacks(architecture_key))
    texts.emplace_back(architecture_key,
                       source.model_type().empty() ? std::string(unknown_architecture) : source.model_type());
  if (lacks(name_key) && !default_name.empty() && data::is_utf8(default_name))
    texts.emplace_back(name_key, default_name);
  ExportMetadata out;
  for (const auto& [key, value] : texts) {
    out.entries.add_text(key, value);
    if (key == architecture_key) out.architecture = value;
  }
  for (const data::GgufEntry& entry : carried) {
    if (has_key(texts, entry.key) || is_written_here(entry.key)) continue;
    out.entries.carry(entry);
    if (entry.key == architecture_key) out.architecture = entry.text().value_or("");
  }
  if (!file_type.empty()) out.entries.add_u32(file_type_key, gguf_file_type(file_type));
  out.entries.add_u32(quantization_key, quantization_version);
  return out;
}

}  // namespace attar::engine
