#include "nn/linear.h"

#include <array>

#include "nn/byte_linear.h"
#include "nn/float_linear.h"
#include "nn/nibble_linear.h"

namespace attar::nn {
namespace {

constexpr std::array<std::string_view, 4> names{"f32", "bf16", "int8", "int4"};

}  // namespace

std::string_view precision_name(Precision precision) noexcept { return names[static_cast<std::size_t>(precision)]; }

std::optional<Precision> parse_precision(std::string_view name) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<Precision>(i);
  return std::nullopt;
}

MakeLinear linear_maker(Precision precision, simd::Level level) {
  switch (precision) {
    case Precision::f32:
      return [level](const LinearWeights& weights) { return std::make_unique<FloatLinear>(weights, level); };
    case Precision::bf16:
      return [level](const LinearWeights& weights) { return std::make_unique<Bf16Linear>(weights, level); };
    case Precision::int8:
      return [level](const LinearWeights& weights) { return std::make_unique<ByteLinear>(weights, level); };
    case Precision::int4: break;
  }
  return [level](const LinearWeights& weights) { return std::make_unique<NibbleLinear>(weights, level); };
}

}  // namespace attar::nn
