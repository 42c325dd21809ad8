// Files of tensors for tests: safetensors written byte by byte, and tensors of every type with contents of many kinds.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/half.h"
#include "base/random.h"

namespace attar::data {

struct MadeTensor {
  std::string name = {};
  std::string type = {};
  std::vector<std::uint64_t> shape = {};
  std::string bytes = {};
};

/// How the header stands in the file.
struct MadeHeader {
  std::string metadata = {};  ///< the value of "__metadata__", none where empty
  bool metadata_last = false;
  unsigned padding = 0;   ///< blanks after the header
  bool reversed = false;  ///< entries against the order of their bytes
};

inline std::string safetensors_file(const std::vector<MadeTensor>& tensors, const MadeHeader& header = {}) {
  std::vector<std::string> entries;
  std::string data;
  for (const MadeTensor& tensor : tensors) {
    std::string shape;
    for (const std::uint64_t length : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(length);
    entries.push_back("\"" + tensor.name + "\":{\"dtype\":\"" + tensor.type + "\",\"shape\":[" + shape +
                      "],\"data_offsets\":[" + std::to_string(data.size()) + "," +
                      std::to_string(data.size() + tensor.bytes.size()) + "]}");
    data += tensor.bytes;
  }
  if (header.reversed) std::ranges::reverse(entries);
  if (!header.metadata.empty())
    entries.insert(header.metadata_last ? entries.end() : entries.begin(), "\"__metadata__\":" + header.metadata);
  std::string text = "{";
  for (std::size_t i = 0; i < entries.size(); ++i) text += (i == 0 ? "" : ",") + entries[i];
  text += "}" + std::string(header.padding, ' ');
  const std::uint64_t length = text.size();
  std::string out(sizeof length, '\0');
  std::memcpy(out.data(), &length, sizeof length);
  return out + text + data;
}

enum class TensorContent : std::uint8_t { weights, zeros, noise, sparse, odd, was_half, was_bf16 };
inline constexpr TensorContent tensor_contents[] = {
    TensorContent::weights, TensorContent::zeros,    TensorContent::noise,   TensorContent::sparse,
    TensorContent::odd,     TensorContent::was_half, TensorContent::was_bf16};

struct TensorTypeWidth {
  std::string_view name;
  unsigned bytes;
};
inline constexpr TensorTypeWidth tensor_types[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
                                                   {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
                                                   {"I32", 4},  {"F32", 4}, {"U64", 8}, {"I64", 8},     {"F64", 8}};

namespace made {

/// A number's bits in a type: as a float of it where there is one, else as a whole number.
inline std::uint64_t bits_in(std::string_view type, double value) {
  const auto narrow = static_cast<float>(value);
  if (type == "F64") return std::bit_cast<std::uint64_t>(value);
  if (type == "F32") return std::bit_cast<std::uint32_t>(narrow);
  if (type == "F16") return base::float_to_half(narrow);
  if (type == "BF16") return base::float_to_bf16(narrow);
  if (type == "F8_E4M3") return base::float_to_e4m3(narrow);
  if (type == "F8_E5M2") return base::float_to_half(narrow) >> 8;
  if (type == "BOOL") return value > 0 ? 1 : 0;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value * 100));
}

/// Infinities, not a number, the least and the largest, zeros of both signs: exponents of zeros or ones alone.
inline std::uint64_t odd_bits(base::Random& random) {
  constexpr std::uint64_t patterns[] = {
      0, ~std::uint64_t{0},     0x8000'8000'8000'8080, 0x7f80'7f80'7c00'7c78, 0x7ff0'0000'7f80'0000,
      1, 0x0001'0001'0001'0101, 0x7fff'7fff'7fff'7f7f};
  return patterns[random.below(std::size(patterns))];
}

inline double value_of(TensorContent content, double scale, base::Random& random) {
  const double value = scale * random.normal();
  switch (content) {
    case TensorContent::zeros: return 0;
    case TensorContent::sparse: return random.below(4) == 0 ? value : 0;
    case TensorContent::was_half:
      return static_cast<double>(base::half_to_float(base::float_to_half(static_cast<float>(value))));
    case TensorContent::was_bf16:
      return static_cast<double>(base::bf16_to_float(base::float_to_bf16(static_cast<float>(value))));
    default: return value;
  }
}

}  // namespace made

/// A tensor of this type, shape and content; the same for the same seed.
inline MadeTensor make_tensor(std::string name, const TensorTypeWidth& type, std::vector<std::uint64_t> shape,
                              TensorContent content, std::uint64_t seed) {
  base::Random random(seed);
  std::uint64_t count = 1;
  for (const std::uint64_t length : shape) count *= length;
  const std::uint64_t columns = shape.empty() ? 1 : std::max<std::uint64_t>(shape.back(), 1);
  std::vector<double> scales(columns);
  for (double& scale : scales) scale = 0.02 * (0.5 + random.uniform());
  MadeTensor out{.name = std::move(name), .type = std::string(type.name), .shape = std::move(shape), .bytes = {}};
  out.bytes.reserve(count * type.bytes);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t bits = made::bits_in(type.name, made::value_of(content, scales[i % columns], random));
    if (content == TensorContent::noise) bits = random.next();
    if (content == TensorContent::odd && random.below(3) == 0) bits = made::odd_bits(random);
    out.bytes.append(reinterpret_cast<const char*>(&bits), type.bytes);
  }
  return out;
}

/// Rows [from, to) become row `row`.
inline void repeat_row(MadeTensor& tensor, std::size_t row, std::size_t from, std::size_t to) {
  const std::size_t row_bytes = tensor.bytes.size() / tensor.shape.front();
  for (std::size_t i = from; i < to; ++i)
    tensor.bytes.replace(i * row_bytes, row_bytes, tensor.bytes, row * row_bytes, row_bytes);
}

/// Every type with every kind of content, in shapes of no, one, two and three axes, empty ones too.
inline std::vector<MadeTensor> tensors_of_all_kinds(std::uint64_t seed) {
  base::Random random(seed);
  std::vector<MadeTensor> out;
  for (const TensorTypeWidth& type : tensor_types)
    for (const TensorContent content : tensor_contents) {
      const std::uint64_t a = 1 + random.below(60), b = 1 + random.below(90);
      const std::vector<std::vector<std::uint64_t>> shapes = {{}, {a * b}, {a, b}, {3, a, 1 + b / 4}, {0, b}, {a, 1}};
      const auto& shape = shapes[random.below(shapes.size())];
      out.push_back(
          make_tensor("layer." + std::to_string(out.size()) + ".weight", type, shape, content, random.next()));
    }
  random.shuffle(std::span(out));
  return out;
}

}  // namespace attar::data
