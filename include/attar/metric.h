// How two vectors are compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace attar {

enum class Metric : std::uint8_t {
  cosine = 0,         ///< inner product of the normalised vectors; larger is nearer
  inner_product = 1,  ///< ⟨q, x⟩; larger is nearer
  l2 = 2,             ///< squared Euclidean distance; smaller is nearer
};

[[nodiscard]] constexpr std::string_view metric_name(Metric metric) noexcept {
  switch (metric) {
    case Metric::cosine: return "cosine";
    case Metric::inner_product: return "ip";
    case Metric::l2: return "l2";
  }
  return "unknown";
}

/// "cosine", "ip" or "l2"; nothing for any other word.
[[nodiscard]] constexpr std::optional<Metric> parse_metric(std::string_view name) noexcept {
  if (name == "cosine") return Metric::cosine;
  if (name == "ip") return Metric::inner_product;
  if (name == "l2") return Metric::l2;
  return std::nullopt;
}

}  // namespace attar
