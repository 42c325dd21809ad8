// Certificates of packed models: their bound, their words, and the text that stands in a file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "attar/certificate.h"
#include "attar/result.h"

namespace attar::certify {

/// Room that a packed model keeps for one.
inline constexpr std::uint64_t model_certificate_bytes = 2048;

/// The mean of 1 − cosine over these texts and its upper bound at confidence 1 − delta. A value above 1 counts as 1 in
/// the mean and in the bound: cosines below 0 are all alike lost.
struct LostBound {
  double mean = 0, upper = 1;
};
[[nodiscard]] LostBound bound_lost(std::span<const double> lost, double delta) noexcept;

[[nodiscard]] std::string to_json(const ModelCertificate& certificate);
/// `corrupt` for what to_json() did not write.
[[nodiscard]] Result<ModelCertificate> model_certificate_from_json(std::string_view text);

}  // namespace attar::certify
