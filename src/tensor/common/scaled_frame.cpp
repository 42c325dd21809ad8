#include "tensor/common/scaled_frame.h"

#include "tensor/common/scales.h"
#include "tensor/fields/scales.h"

namespace attar::tensor {
namespace {

constexpr std::uint8_t has_columns = 1;

}  // namespace

ScaledFrame::ScaledFrame(const codec::TensorSchema& schema)
    : layout(fields::layout_of(schema.element)), columns(schema.columns), scales(schema.columns) {}

bool ScaledFrame::takes(const codec::TensorSchema& schema) noexcept {
  return schema.element.is_float() && schema.count != 0 && schema.columns <= most_columns;
}

std::vector<std::byte> ScaledFrame::preamble() const {
  base::ByteWriter out;
  out.write(scaled ? has_columns : std::uint8_t{0});
  out.write(std::uint8_t{0});
  out.write(static_cast<std::uint16_t>(table));
  if (scaled) write_scales(out, scales);
  return std::move(out).release();
}

Result<ScaledFrame> ScaledFrame::read(base::ByteView preamble, const codec::TensorSchema& schema,
                                      const codec::TableSets& tables, std::size_t contexts) {
  if (!schema.element.is_float())
    return fail(ErrorCode::corrupt, "a tensor without floats is said to be coded as floats");
  if (schema.columns == 0 || schema.columns > most_columns)
    return fail(ErrorCode::corrupt, "a tensor's rows have an impossible length");
  base::ByteReader in(preamble);
  ATTAR_ASSIGN(const auto flags, in.read<std::uint8_t>());
  ATTAR_ASSIGN(const auto zero, in.read<std::uint8_t>());
  ScaledFrame out(schema);
  ATTAR_ASSIGN(out.table, in.read<std::uint16_t>());
  if ((flags & ~has_columns) != 0) return fail(ErrorCode::too_new, "a tensor has features of a later version");
  if (zero != 0) return fail(ErrorCode::corrupt, "a tensor's preamble has a byte that is not zero");
  if (out.table >= tables.size() || tables.set(out.table).contexts().size() != contexts)
    return fail(ErrorCode::corrupt, "a tensor names a table that is not there");
  out.scaled = (flags & has_columns) != 0;
  if (out.scaled) {
    ATTAR_ASSIGN(out.scales, read_scales(in, out.columns, fields::least_column, fields::most_column));
  }
  if (in.remaining() != 0) return fail(ErrorCode::corrupt, "a tensor's preamble goes on after its end");
  return out;
}

void store_if_smaller(base::ByteView elements, std::byte kind, std::size_t before, std::vector<std::byte>& out) {
  if (out.size() - before < 1 + elements.size()) return;
  out.resize(before);
  out.push_back(kind);
  out.insert(out.end(), elements.begin(), elements.end());
}

}  // namespace attar::tensor
