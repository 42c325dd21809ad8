#include "vector/esq/model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vector/esq/kernel.h"

namespace attar::vector::esq {
namespace {

std::int32_t finish_range_of(const Shape& shape) noexcept {
  std::int64_t largest = 0;
  for (const Group& group : shape.groups)
    largest += static_cast<std::int64_t>(group.components()) * largest_value(group.bits);
  constexpr std::int64_t most = std::numeric_limits<std::int16_t>::max();
  return static_cast<std::int32_t>(std::min(most, std::numeric_limits<std::int32_t>::max() / largest));
}

std::size_t threshold_count(Basis::Kind kind, std::uint32_t components) noexcept {
  return kind == Basis::Kind::dense ? components : 1;
}

}  // namespace

EsqModel::EsqModel(Basis basis, Shape shape, std::vector<float> thresholds)
    : basis_(std::move(basis)),
      shape_(std::move(shape)),
      thresholds_(std::move(thresholds)),
      finish_range_(finish_range_of(shape_)) {}

std::uint64_t EsqModel::saved_bytes(Basis::Kind kind, std::uint32_t dims, std::uint32_t components,
                                    std::size_t groups) noexcept {
  const std::uint32_t rows = kind == Basis::Kind::dense ? components : dims;
  return Basis::saved_bytes(kind, dims, rows, true) + 4 + 2 + 2 + groups + 4 * threshold_count(kind, components);
}

Status EsqModel::save(base::Sink& sink) const {
  base::ByteWriter out;
  basis_.save(out);
  out.write(shape_.components);
  out.write(static_cast<std::uint16_t>(shape_.walk_codes));
  out.write(static_cast<std::uint16_t>(shape_.groups.size()));
  for (const Group& group : shape_.groups) out.write(group.bits);
  out.write_array(std::span<const float>(thresholds_));
  return sink.write(out.bytes());
}

Result<std::shared_ptr<const EsqModel>> EsqModel::load(const format::SectionReader& section,
                                                       const codec::Schema& schema, const OpenLimits& limits) {
  base::ByteReader in(section.bytes());
  ATTAR_ASSIGN(auto basis, Basis::load(in, section, schema, limits));
  ATTAR_ASSIGN(const auto components, in.read<std::uint32_t>());
  ATTAR_ASSIGN(const auto walk_codes, in.read<std::uint16_t>());
  ATTAR_ASSIGN(const auto groups, in.read<std::uint16_t>());
  const Basis::Kind kind = basis.kind();
  if (kind == Basis::Kind::identity || components == 0 || components > basis.components() ||
      (kind == Basis::Kind::dense && components != basis.components()) || walk_codes == 0 ||
      walk_codes > base::ceil_div(components, 4) || walk_codes + walk_values(schema.metric) > most_walk_bytes ||
      groups != Shape::count_groups(components, walk_codes))
    return section.fail(ErrorCode::corrupt, "the model's groups are not ones that esq writes");
  ATTAR_ASSIGN(const auto widths, in.read_array<std::uint8_t>(groups));
  ATTAR_ASSIGN(auto thresholds, in.read_array<float>(threshold_count(kind, components)));
  if (!std::all_of(widths.begin(), widths.end(), [](std::uint8_t bits) { return is_width(bits); }))
    return section.fail(ErrorCode::corrupt, "a group of the model has a width that esq never writes");
  if (!std::all_of(thresholds.begin(), thresholds.end(), [](float t) { return t > 0 && std::isfinite(t); }))
    return section.fail(ErrorCode::corrupt, "a threshold of the model is not a positive number");
  if (in.remaining() != 0) return section.fail(ErrorCode::corrupt, "the model is longer than its header says");
  return std::make_shared<const EsqModel>(std::move(basis), Shape(components, walk_codes, widths),
                                          std::move(thresholds));
}

}  // namespace attar::vector::esq
