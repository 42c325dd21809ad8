#include "nn/linear.h"

#include <array>

#include "nn/byte_linear.h"
#include "nn/float_linear.h"

namespace attar::nn {
namespace {

constexpr std::array<std::string_view, 3> names{"f32", "bf16", "int8"};

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
    case Precision::int8: break;
  }
  return [level](const LinearWeights& weights) { return std::make_unique<ByteLinear>(weights, level); };
}

}  // namespace attar::nn
