// Exports a small model as GGUF within a budget, and lists the types that were chosen. Public headers only.
#include <attar/export.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

/// A file of safetensors with two matrices of floats; the numbers of the second are a tenth as large.
void write_model(const std::filesystem::path& path) {
  constexpr std::uint32_t rows = 256, columns = 256, count = rows * columns;
  std::vector<float> weights;
  std::uint32_t state = 1;
  for (std::uint32_t i = 0; i < 2 * count; ++i) {
    // Numbers near to weights: the sum of some random bytes, around zero.
    int sum = 0;
    for (int n = 0; n < 8; ++n) {
      state = state * 1'664'525u + 1'013'904'223u;
      sum += static_cast<int>(state >> 24) - 128;
    }
    weights.push_back(static_cast<float>(sum) / (i < count ? 8192 : 81920));
  }
  const std::string header = R"({"first":{"dtype":"F32","shape":[256,256],"data_offsets":[0,262144]},)"
                             R"("second":{"dtype":"F32","shape":[256,256],"data_offsets":[262144,524288]}})";
  const std::uint64_t length = header.size();
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), sizeof length);
  out << header;
  out.write(reinterpret_cast<const char*>(weights.data()),
            static_cast<std::streamsize>(weights.size() * sizeof(float)));
}

attar::Status export_model(const std::filesystem::path& folder) {
  write_model(folder / "model.safetensors");
  attar::ExportGgufOptions options;
  ATTAR_ASSIGN(options.budget, attar::parse_budget("110kB"));
  // An error in the first matters a hundred times as much.
  std::ofstream(folder / "alpha.json") << R"({"tensors": {"first": 1.0, "second": 0.01}})";
  options.sensitivity = folder / "alpha.json";
  ATTAR_ASSIGN(const attar::ExportGgufReport report,
               attar::export_gguf(folder / "model.safetensors", folder / "model.gguf", options));
  for (const attar::ExportedTensor& tensor : report.tensors)
    std::printf("%s: %s, %llu bytes, relative squared error %.2g\n", tensor.name.c_str(), tensor.type.c_str(),
                static_cast<unsigned long long>(tensor.bytes), tensor.error);
  std::printf("%llu bytes of at most %llu\n", static_cast<unsigned long long>(report.bytes),
              static_cast<unsigned long long>(report.budget.value_or(0)));
  const bool kept = report.bytes <= 110'000 && report.bytes == std::filesystem::file_size(folder / "model.gguf") &&
                    report.tensors[0].error < report.tensors[1].error;
  return kept ? attar::Status()
              : attar::fail(attar::ErrorCode::invalid_data, "the budget or the sensitivities do not hold");
}

}  // namespace

int main() {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "attar-example-export";
  std::filesystem::create_directories(folder);
  const attar::Status status = export_model(folder);
  std::filesystem::remove_all(folder);
  if (status) return 0;
  std::fprintf(stderr, "%s\n", status.error().describe().c_str());
  return 1;
}
