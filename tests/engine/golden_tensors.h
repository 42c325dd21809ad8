// The files of tests/golden/tensors-v1.attar, out of whole numbers alone: the same on every machine.
#pragma once

#include <bit>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/files.h"
#include "data/tensor_files.h"

namespace attar::engine {

inline std::filesystem::path golden_tensors_path(const char* ending) {
  return std::filesystem::path(ATTAR_SOURCE_DIR) / "tests" / "golden" / (std::string("tensors-v1") + ending);
}

/// Numbers near to weights: exponents around one that differs by column, the least zeros of a random word below it,
/// and random mantissas, of which the lowest `zeros` bits are zero.
inline data::MadeTensor golden_weights(std::string name, const data::TensorTypeWidth& type, unsigned exponent_bits,
                                       unsigned mantissa_bits, std::vector<std::uint64_t> shape, unsigned zeros,
                                       std::uint64_t seed) {
  base::Random random(seed);
  std::uint64_t count = 1;
  for (const std::uint64_t length : shape) count *= length;
  data::MadeTensor out{.name = std::move(name), .type = std::string(type.name), .shape = std::move(shape), .bytes = {}};
  const std::uint64_t middle = (std::uint64_t{1} << (exponent_bits - 1)) - 2;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto below = static_cast<std::uint64_t>(std::countr_zero(random.next() | 1u << 5));
    const std::uint64_t exponent = middle - std::min(middle, below + i % out.shape.back() % 3);
    const std::uint64_t mantissa = (random.next() & ((std::uint64_t{1} << mantissa_bits) - 1)) >> zeros << zeros;
    const std::uint64_t bits = (((random.next() & 1) << exponent_bits | exponent) << mantissa_bits) | mantissa;
    out.bytes.append(reinterpret_cast<const char*>(&bits), type.bytes);
  }
  return out;
}

/// bfloat16 near to a Gaussian: sums of eight bytes, times a power of two that differs by row, cut to 16 bits; a few
/// are infinite or not a number.
inline data::MadeTensor golden_bell(std::string name, std::uint64_t rows, std::uint64_t columns, std::uint64_t seed) {
  base::Random random(seed);
  data::MadeTensor out{.name = std::move(name), .type = "BF16", .shape = {rows, columns}, .bytes = {}};
  for (std::uint64_t i = 0; i < rows * columns; ++i) {
    int sum = 0;
    for (int n = 0; n < 8; ++n) sum += static_cast<int>(random.below(256)) - 128;
    const float value = static_cast<float>(sum) / static_cast<float>(1u << (10 + i / columns % 3));
    std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    if (i % 501 == 500) bits = i % 2 == 0 ? 0x7f80'0000 : 0x7f90'0000;
    out.bytes.push_back(static_cast<char>(bits >> 16 & 255));
    out.bytes.push_back(static_cast<char>(bits >> 24));
  }
  return out;
}

/// A padded table: every row behind the 40th is one of rows 3 and 5, with one of its own among them.
inline data::MadeTensor golden_padded(std::string name) {
  data::MadeTensor out = golden_bell(std::move(name), 90, 96, 9);
  constexpr std::size_t row_bytes = 192;
  for (std::size_t row = 40; row < 90; ++row)
    if (row != 61)
      out.bytes.replace(row * row_bytes, row_bytes, out.bytes, row < 80 ? 3 * row_bytes : 5 * row_bytes, row_bytes);
  return out;
}

/// Path and bytes of each file, in order.
inline std::vector<std::pair<std::string, std::string>> golden_tensor_files() {
  using data::MadeTensor;
  const data::TensorTypeWidth f16{"F16", 2}, f32{"F32", 4}, e4m3{"F8_E4M3", 1};
  std::vector<MadeTensor> first = {golden_bell("embed", 60, 96, 1), golden_weights("norm", f32, 8, 23, {70}, 0, 2),
                                   golden_weights("was_half", f32, 8, 23, {30, 64}, 13, 3),
                                   golden_weights("half", f16, 5, 10, {24, 64}, 0, 4),
                                   golden_weights("small", e4m3, 4, 3, {48, 64}, 0, 5)};
  first.push_back({.name = "zeros", .type = "F32", .shape = {50, 20}, .bytes = std::string(4000, '\0')});
  std::string counted, noise;
  base::Random random(6);
  for (std::uint64_t i = 0; i < 700; ++i) {
    const std::uint64_t number = 1000 + i * i % 97;
    counted.append(reinterpret_cast<const char*>(&number), sizeof number);
    noise.push_back(static_cast<char>(random.below(256)));
  }
  first.push_back({.name = "ids", .type = "I64", .shape = {700}, .bytes = counted});
  first.push_back({.name = "none", .type = "F64", .shape = {0, 3}, .bytes = {}});
  first.push_back({.name = "one", .type = "BOOL", .shape = {}, .bytes = std::string(1, '\1')});
  MadeTensor head = first[0];
  head.name = "head";
  const std::string array = golden_weights("w", f32, 8, 23, {20, 25}, 0, 7).bytes;
  return {{"config.json", R"({"layers": 2})"},
          {"model.safetensors", data::safetensors_file(first, {.metadata = R"({"format":"pt"})", .padding = 5})},
          {"parts/head.safetensors", data::safetensors_file({head})},
          {"parts/noise.bin", noise},
          {"parts/w.npy", data::npy_file(data::npy_dictionary("<f4", "(20, 25)", "True"), array)}};
}

/// A later version of parts/head.safetensors: low bits of some numbers are others.
inline std::string golden_later_head() {
  data::MadeTensor head = golden_bell("head", 60, 96, 1);
  base::Random random(8);
  for (std::size_t i = 0; i < head.bytes.size(); i += 2)
    if (random.below(3) == 0) head.bytes[i] = static_cast<char>(head.bytes[i] ^ static_cast<char>(random.below(4)));
  return data::safetensors_file({head});
}

}  // namespace attar::engine
