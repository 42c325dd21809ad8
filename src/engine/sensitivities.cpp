#include "engine/sensitivities.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>

#include "data/input_file.h"

namespace attar {
namespace {

constexpr std::uint64_t largest_sensitivity_file = 64u << 20;
constexpr std::string_view sensitivity_format = "attar-sensitivity 1", sensitivity_family = "attar-sensitivity ";

Status check_format(simdjson::dom::object root, const data::InputFile& file) {
  std::string_view format;
  if (root["format"].get(format) != simdjson::SUCCESS)
    return file.fail(
        ErrorCode::invalid_data,
        fmt::format(R"(has no "format"; give {{"format": "{}", "tensors": {{"name": 0.5}}}})", sensitivity_format));
  if (format == sensitivity_format) return {};
  return file.fail(format.starts_with(sensitivity_family) ? ErrorCode::too_new : ErrorCode::invalid_data,
                   fmt::format("is of format {}; this build reads {}", data::in_quotes(format), sensitivity_format));
}

}  // namespace

Result<TensorSensitivities> read_sensitivity(const std::filesystem::path& path) {
  ATTAR_ASSIGN(const data::InputFile file, data::InputFile::open(path));
  if (file.size() > largest_sensitivity_file)
    return file.fail(ErrorCode::over_limit, fmt::format("has {} bytes, more than the {} of a file of sensitivities",
                                                        file.size(), largest_sensitivity_file));
  ATTAR_ASSIGN(const std::string text, file.read_first(largest_sensitivity_file));
  simdjson::dom::parser parser;
  simdjson::dom::object root, tensors;
  if (const auto error = parser.parse(text).get(root); error != simdjson::SUCCESS)
    return file.fail(ErrorCode::invalid_data, fmt::format("is no JSON object ({})", simdjson::error_message(error)));
  ATTAR_TRY(check_format(root, file));
  if (root["tensors"].get(tensors) != simdjson::SUCCESS)
    return file.fail(ErrorCode::invalid_data, R"(has no object "tensors" with a number for each name)");
  TensorSensitivities out;
  for (const auto& [name, value] : tensors) {
    double alpha = 0;
    if (value.get(alpha) != simdjson::SUCCESS || !std::isfinite(alpha) || alpha < 0)
      return file.fail(ErrorCode::invalid_data,
                       fmt::format("has a sensitivity of {} that is no number of 0 or more", data::in_quotes(name)));
    if (!out.try_emplace(std::string(name), alpha).second)
      return file.fail(ErrorCode::invalid_data, fmt::format("names {} twice", data::in_quotes(name)));
  }
  return out;
}

namespace engine {

Result<std::vector<double>> sensitivities_of(std::span<const SensitiveTensor> tensors,
                                             const TensorSensitivities& measured) {
  for (const auto& [name, alpha] : measured)
    if (!(alpha >= 0) || !std::isfinite(alpha))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the sensitivity of tensor {} is no number of 0 or more", data::in_quotes(name)));
  std::vector<double> out, ratios;
  for (const SensitiveTensor& tensor : tensors) {
    out.push_back(tensor.fallback);
    if (const auto found = measured.find(tensor.name); found != measured.end())
      ratios.push_back(found->second / tensor.fallback);
  }
  if (measured.empty()) return out;
  if (ratios.empty())
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("the sensitivities name {} and others, none of which is a tensor here; were they measured on "
                    "another model?",
                    data::in_quotes(measured.begin()->first)));
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::ranges::nth_element(ratios, middle);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto found = measured.find(tensors[i].name);
    out[i] = found != measured.end() ? found->second : *middle * out[i];
  }
  return out;
}

}  // namespace engine

}  // namespace attar
