#include "vector/opq/model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/half.h"
#include "vector/opq/kernel.h"

namespace attar::vector::opq {
namespace {

constexpr float largest_half = 65504.0f;

}  // namespace

OpqModel::OpqModel(Basis basis, std::vector<std::uint16_t> sizes, std::span<const float> centroids)
    : NibbleModel(std::move(basis)), sizes_(std::move(sizes)) {
  for (const float value : centroids) {
    halves_.push_back(base::float_to_half(std::clamp(value, -largest_half, largest_half)));
    centroids_.push_back(base::half_to_float(halves_.back()));
  }
}

std::uint64_t OpqModel::saved_bytes(std::uint32_t dims, std::uint64_t groups, bool dense) noexcept {
  const auto kind = dense ? Basis::Kind::dense : Basis::Kind::identity;
  return Basis::saved_bytes(kind, dims, dims, true) + 4 + 2 * groups + 2ull * centroid_count * dims;
}

Status OpqModel::save(base::Sink& sink) const {
  base::ByteWriter out;
  basis().save(out);
  out.write(static_cast<std::uint32_t>(sizes_.size()));
  out.write_array(std::span<const std::uint16_t>(sizes_));
  out.write_array(std::span<const std::uint16_t>(halves_));
  return sink.write(out.bytes());
}

Result<std::shared_ptr<const OpqModel>> OpqModel::load(const format::SectionReader& section,
                                                       const codec::Schema& schema, const OpenLimits& limits) {
  base::ByteReader in(section.bytes());
  ATTAR_ASSIGN(auto basis, Basis::load(in, section, schema, limits));
  ATTAR_ASSIGN(const auto groups, in.read<std::uint32_t>());
  const std::uint32_t dims = basis.dims();
  if (basis.kind() == Basis::Kind::hadamard || basis.components() != dims || groups < 2 || groups % 2 != 0 ||
      groups > dims + dims % 2)
    return section.fail(ErrorCode::corrupt, "the model holds values that opq never writes");
  ATTAR_ASSIGN(auto sizes, in.read_array<std::uint16_t>(groups));
  if (std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0}) != dims)
    return section.fail(ErrorCode::corrupt, "the sub-vectors of the model do not add up to its dimensions");
  ATTAR_ASSIGN(const auto halves, in.read_array<std::uint16_t>(std::uint64_t{dims} * centroid_count));
  std::vector<float> centroids(halves.size());
  std::transform(halves.begin(), halves.end(), centroids.begin(), base::half_to_float);
  if (!std::all_of(centroids.begin(), centroids.end(), [](float value) { return std::isfinite(value); }) ||
      in.remaining() != 0)
    return section.fail(ErrorCode::corrupt, "a centroid of the model is not finite, or bytes follow the last one");
  return std::make_shared<const OpqModel>(std::move(basis), std::move(sizes), centroids);
}

void OpqModel::fill_tables(std::span<const float> components, std::span<float> tables) const {
  std::size_t first = 0;
  for (std::size_t g = 0; g < sizes_.size(); first += sizes_[g++])
    fill_table(centroids_.data() + first * centroid_count, components.data() + first, sizes_[g],
               tables.data() + g * centroid_count);
}

void OpqModel::decode(std::span<const std::uint8_t> nibbles, std::span<float> values) const {
  std::size_t at = 0;
  for (std::size_t g = 0; g < sizes_.size(); ++g)
    for (std::size_t j = 0; j < sizes_[g]; ++j, ++at) values[at] = centroids_[at * centroid_count + nibbles[g]];
}

float OpqModel::encode_row(std::span<const float> components, std::span<std::uint8_t> nibbles) const {
  std::size_t first = 0;
  for (std::size_t g = 0; g < sizes_.size(); first += sizes_[g++])
    nibbles[g] =
        nearest_centroid(centroids_.data() + first * centroid_count, components.data() + first, sizes_[g]).number;
  return 1.0f;
}

}  // namespace attar::vector::opq
