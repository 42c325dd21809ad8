// How much the errors of tensors matter, as a file of JSON says.
#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>

#include "attar/export.h"
#include "data/input_file.h"

namespace attar {
namespace {

constexpr std::uint64_t largest_weights_file = 64u << 20;
constexpr std::string_view weights_format = "attar-tensor-weights-1", weights_family = "attar-tensor-weights-";

Status check_format(simdjson::dom::object root, const data::InputFile& file) {
  std::string_view format;
  if (root["format"].get(format) != simdjson::SUCCESS)
    return file.fail(
        ErrorCode::invalid_data,
        fmt::format(R"(has no "format"; give {{"format": "{}", "tensors": {{"name": 0.5}}}})", weights_format));
  if (format == weights_format) return {};
  return file.fail(format.starts_with(weights_family) ? ErrorCode::too_new : ErrorCode::invalid_data,
                   fmt::format("is of format {}; this build reads {}", data::in_quotes(format), weights_format));
}

}  // namespace

Result<TensorWeights> read_tensor_weights(const std::filesystem::path& path) {
  ATTAR_ASSIGN(const data::InputFile file, data::InputFile::open(path));
  if (file.size() > largest_weights_file)
    return file.fail(ErrorCode::over_limit, fmt::format("has {} bytes, more than the {} of a file of weights",
                                                        file.size(), largest_weights_file));
  ATTAR_ASSIGN(const std::string text, file.read_first(largest_weights_file));
  simdjson::dom::parser parser;
  simdjson::dom::object root, tensors;
  if (const auto error = parser.parse(text).get(root); error != simdjson::SUCCESS)
    return file.fail(ErrorCode::invalid_data, fmt::format("is no JSON object ({})", simdjson::error_message(error)));
  ATTAR_TRY(check_format(root, file));
  if (root["tensors"].get(tensors) != simdjson::SUCCESS)
    return file.fail(ErrorCode::invalid_data, R"(has no object "tensors" with a number for each name)");
  TensorWeights out;
  for (const auto& [name, value] : tensors) {
    double alpha = 0;
    if (value.get(alpha) != simdjson::SUCCESS || !std::isfinite(alpha) || alpha < 0)
      return file.fail(ErrorCode::invalid_data,
                       fmt::format("has a weight of {} that is no number of 0 or more", data::in_quotes(name)));
    if (!out.try_emplace(std::string(name), alpha).second)
      return file.fail(ErrorCode::invalid_data, fmt::format("names {} twice", data::in_quotes(name)));
  }
  return out;
}

}  // namespace attar
