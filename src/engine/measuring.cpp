#include "engine/measuring.h"

#include <fmt/format.h>

#include "attar/version.h"
#include "certify/truth.h"
#include "simd/isa.h"

namespace attar::engine {

Status check_confidence(double confidence) {
  if (confidence > 0 && confidence < 1) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("a confidence lies between 0 and 1, not at {}; 0.95 is usual", confidence));
}

std::vector<std::uint32_t> rows_of(const SearchResult& found, std::uint32_t k) {
  std::vector<std::uint32_t> out(found.hits.size() * k, certify::no_row);
  for (std::size_t q = 0; q < found.hits.size(); ++q)
    for (std::size_t i = 0; i < found.hits[q].size(); ++i) out[q * k + i] = found.hits[q][i].row;
  return out;
}

std::string build_in_words() {
  return fmt::format("{}, kernels {}", build_description(), simd::level_name(simd::active_level()));
}

}  // namespace attar::engine
