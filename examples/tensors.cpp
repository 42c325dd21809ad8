// Packs a small model without loss, reads one tensor of it, and gives the file back. Public headers only.
#include <attar/tensors.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

/// A file of safetensors with two tensors of bfloat16, the second tied to the first.
std::string write_model(const std::filesystem::path& path) {
  constexpr std::uint32_t rows = 256, columns = 64;
  std::string weights;
  std::uint32_t state = 1;
  for (std::uint32_t i = 0; i < rows * columns; ++i) {
    // Numbers near to weights: the sum of some random bytes, around zero.
    int sum = 0;
    for (int n = 0; n < 8; ++n) {
      state = state * 1'664'525u + 1'013'904'223u;
      sum += static_cast<int>(state >> 24) - 128;
    }
    const float value = static_cast<float>(sum) / 8192;
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    weights.push_back(static_cast<char>(bits >> 16 & 255));
    weights.push_back(static_cast<char>(bits >> 24));
  }
  const std::string size = std::to_string(weights.size()), twice = std::to_string(2 * weights.size());
  const std::string header = R"({"embed":{"dtype":"BF16","shape":[256,64],"data_offsets":[0,)" + size +
                             R"(]},"head":{"dtype":"BF16","shape":[256,64],"data_offsets":[)" + size + "," + twice +
                             "]}}";
  const std::uint64_t length = header.size();
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), sizeof length);
  out << header << weights << weights;
  return weights;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

attar::Status pack_and_read(const std::filesystem::path& folder) {
  const std::string weights = write_model(folder / "model.safetensors");
  ATTAR_ASSIGN(const attar::PackTensorsReport report,
               attar::pack_tensors(folder / "model.safetensors", folder / "model.attar"));
  std::printf("%llu bytes of %llu, %llu tensor stored once that stood there again\n",
              static_cast<unsigned long long>(report.bytes), static_cast<unsigned long long>(report.source_bytes),
              static_cast<unsigned long long>(report.shared_tensors));

  ATTAR_ASSIGN(const attar::TensorArtifact model, attar::TensorArtifact::open(folder / "model.attar"));
  ATTAR_ASSIGN(const std::size_t number, model.find("head"));
  ATTAR_ASSIGN(const std::vector<std::byte> head, model.read(number));
  const attar::TensorInfo info = model.tensor(number);
  std::printf("%s: %s, %llu x %llu, by %s\n", info.name.c_str(), info.type.c_str(),
              static_cast<unsigned long long>(info.shape[0]), static_cast<unsigned long long>(info.shape[1]),
              info.codec.c_str());

  ATTAR_TRY(model.restore(folder / "back.safetensors"));
  const bool same = head.size() == weights.size() && std::memcmp(head.data(), weights.data(), head.size()) == 0 &&
                    read_file(folder / "back.safetensors") == read_file(folder / "model.safetensors");
  return same ? attar::Status() : attar::fail(attar::ErrorCode::invalid_data, "other bytes came back");
}

}  // namespace

int main() {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "attar-example-tensors";
  std::filesystem::create_directories(folder);
  const attar::Status status = pack_and_read(folder);
  std::filesystem::remove_all(folder);
  if (status) return 0;
  std::fprintf(stderr, "%s\n", status.error().describe().c_str());
  return 1;
}
