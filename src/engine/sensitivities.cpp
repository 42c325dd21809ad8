#include "engine/sensitivities.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "data/input_file.h"

namespace attar::engine {
namespace {

constexpr std::uint64_t most_sensitivity_bytes = 64u << 20;

using Sensitivities = std::map<std::string, double, std::less<>>;

std::unexpected<Error> wrong_sensitivities(const std::filesystem::path& path, std::string_view what) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} {}; give a file as attar sensitivity writes it: {{\"tensors\": {{\"name\": 0.12}}}}",
                          data::in_quotes(path.string()), what));
}

Result<Sensitivities> read_sensitivities(const std::filesystem::path& path) {
  ATTAR_ASSIGN(const auto file, base::MappedFile::open(path, base::MappedFile::Mode::copy));
  if (file.bytes().size() > most_sensitivity_bytes) return wrong_sensitivities(path, "is larger than 64 MiB");
  simdjson::dom::parser parser;
  simdjson::dom::object tensors;
  const simdjson::padded_string text(base::as_text(file.bytes()));
  if (parser.parse(text)["tensors"].get(tensors) != simdjson::SUCCESS)
    return wrong_sensitivities(path, "has no object \"tensors\"");
  Sensitivities out;
  for (const auto [name, value] : tensors) {
    double sensitivity = 0;
    if (value.get(sensitivity) != simdjson::SUCCESS || !(sensitivity > 0) || !std::isfinite(sensitivity))
      return wrong_sensitivities(
          path, fmt::format("has a sensitivity of {} that is no number above 0", data::in_quotes(std::string(name))));
    out.insert_or_assign(std::string(name), sensitivity);
  }
  return out;
}

}  // namespace

Status set_sensitivities(const std::filesystem::path& path, std::span<const std::string_view> names,
                         std::span<double> sensitivities) {
  if (path.empty()) return {};
  ATTAR_ASSIGN(const Sensitivities measured, read_sensitivities(path));
  std::vector<double> ratios;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (const auto found = measured.find(names[i]); found != measured.end())
      ratios.push_back(found->second / sensitivities[i]);
  if (ratios.empty()) return wrong_sensitivities(path, "names none of the tensors");
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::ranges::nth_element(ratios, middle);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = measured.find(names[i]);
    sensitivities[i] = found != measured.end() ? found->second : *middle * sensitivities[i];
  }
  return {};
}

}  // namespace attar::engine
