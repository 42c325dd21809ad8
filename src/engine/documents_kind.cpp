// Whether a file holds documents or vectors.
#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "attar/documents.h"
#include "data/input_file.h"
#include "data/line_reader.h"

namespace attar {
namespace {

constexpr std::array vector_endings = {".npy",   ".fvecs", ".bvecs",  ".ivecs", ".fbin",
                                       ".u8bin", ".i8bin", ".f16bin", ".ibin"};
constexpr std::string_view npy_magic = "\x93NUMPY";
constexpr std::uint64_t longest_line = 64u << 20;

bool begins_as_npy(const std::filesystem::path& path) {
  std::array<char, npy_magic.size()> head{};
  std::ifstream(path, std::ios::binary).read(head.data(), head.size());
  return std::string_view(head.data(), head.size()) == npy_magic;
}

// The first line that is not blank holds an array of numbers.
Result<bool> has_vectors(const std::filesystem::path& path) {
  ATTAR_ASSIGN(const data::InputFile file, data::InputFile::open(path));
  data::LineReader lines(file, longest_line);
  for (;;) {
    ATTAR_ASSIGN(const auto line, lines.next());
    if (!line) return false;
    if (data::is_blank(*line)) continue;
    const auto json = nlohmann::json::parse(*line, nullptr, false);
    const auto is_vector = [](const nlohmann::json& value) {
      return value.is_array() && !value.empty() &&
             std::ranges::all_of(value, [](const auto& v) { return v.is_number(); });
    };
    return json.is_object() && std::ranges::any_of(json, is_vector);
  }
}

}  // namespace

Result<bool> holds_documents(const std::filesystem::path& input) {
  std::error_code ignored;
  if (input == "-") return false;
  if (std::filesystem::is_directory(input, ignored)) return true;
  std::string ending = input.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::ranges::find(vector_endings, ending) != vector_endings.end()) return false;
  // What is not there is for the reader of documents to name.
  if (!std::filesystem::is_regular_file(input, ignored)) return true;
  if (ending != ".jsonl" && ending != ".ndjson") return !begins_as_npy(input);
  ATTAR_ASSIGN(const bool vectors, has_vectors(input));
  return !vectors;
}

}  // namespace attar
