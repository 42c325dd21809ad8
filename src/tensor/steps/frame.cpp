#include "tensor/steps/frame.h"

#include <cmath>

#include "tensor/common/scales.h"

namespace attar::tensor::steps {
namespace {

constexpr std::uint8_t flag_columns = 1, flag_plain = 2, flag_rows = 4, flag_finer = 8, flag_centre = 16;
constexpr int most_width = 64;

std::unexpected<Error> bad_frame(const char* what) { return fail(ErrorCode::corrupt, what); }

}  // namespace

std::optional<Type> type_of(const codec::Element& element) noexcept {
  if (element == codec::Element{.bytes = 4, .exponent_bits = 8, .mantissa_bits = 23}) return Type::f32;
  if (element == codec::Element{.bytes = 2, .exponent_bits = 8, .mantissa_bits = 7}) return Type::bf16;
  if (element == codec::Element{.bytes = 2, .exponent_bits = 5, .mantissa_bits = 10}) return Type::f16;
  return std::nullopt;
}

float Frame::half_step_of(unsigned half_octaves) const noexcept {
  constexpr float half_octave = 0x1.6a09e6p-1f;
  return std::ldexp((half_octaves & 1) != 0 ? half_step * half_octave : half_step, -static_cast<int>(half_octaves / 2));
}

std::vector<std::byte> write_frame(const Frame& frame) {
  base::ByteWriter out;
  out.write(static_cast<std::uint8_t>((frame.column_scales ? flag_columns : 0) | (frame.plain ? flag_plain : 0) |
                                      (frame.row_scales ? flag_rows : 0) | (frame.finer ? flag_finer : 0) |
                                      (frame.centre != 0 ? flag_centre : 0)));
  out.write(static_cast<std::uint8_t>(frame.width));
  out.write(static_cast<std::uint16_t>(frame.table));
  out.write(frame.half_step);
  out.write(static_cast<std::uint8_t>(frame.low));
  if (frame.centre != 0) out.write(frame.centre);
  if (frame.column_scales) write_scales(out, frame.scales);
  return std::move(out).release();
}

Result<Frame> read_frame(base::ByteView preamble, const codec::TensorSchema& schema, const codec::TableSets& tables) {
  const std::optional<Type> type = type_of(schema.element);
  if (!type) return bad_frame("a tensor of no float type is said to be coded by steps");
  if (schema.columns == 0 || schema.columns > most_columns) return bad_frame("rows have an impossible length");
  base::ByteReader in(preamble);
  Frame out{.type = *type, .columns = schema.columns};
  ATTAR_ASSIGN(const auto flags, in.read<std::uint8_t>());
  ATTAR_ASSIGN(const auto width, in.read<std::uint8_t>());
  ATTAR_ASSIGN(out.table, in.read<std::uint16_t>());
  ATTAR_ASSIGN(out.half_step, in.read<float>());
  ATTAR_ASSIGN(const auto low, in.read<std::uint8_t>());
  if ((flags & ~(flag_columns | flag_plain | flag_rows | flag_finer | flag_centre)) != 0)
    return fail(ErrorCode::too_new, "a tensor has features of a later version");
  if (width == 0 || width > most_width) return bad_frame("classes of scales have an impossible width");
  if (!(out.half_step >= least_half_step && out.half_step <= most_half_step))
    return bad_frame("a tensor's step is out of range");
  if (out.table >= tables.size() || tables.set(out.table).contexts().size() % 2 != 0)
    return bad_frame("a tensor names a table that is not there");
  out.width = width;
  out.column_scales = (flags & flag_columns) != 0;
  out.plain = (flags & flag_plain) != 0;
  out.row_scales = (flags & flag_rows) != 0;
  out.finer = (flags & flag_finer) != 0;
  if (low > (out.plain ? most_low_bits : 0)) return bad_frame("a tensor's symbols have more low bits than they may");
  out.low = low;
  if ((flags & flag_centre) != 0) {
    if (!out.plain) return bad_frame("a tensor along the trellis has a centre");
    ATTAR_ASSIGN(out.centre, in.read<float>());
    if (!std::isfinite(out.centre)) return bad_frame("a tensor's centre is no number");
  }
  // Scales that are stored take a bit each at least: no room is made for what is not there.
  if (out.column_scales) {
    ATTAR_ASSIGN(out.scales, read_scales(in, out.columns, least_scale, most_scale));
  } else {
    out.scales.resize(out.columns);
  }
  if (in.remaining() != 0) return bad_frame("a tensor's preamble goes on after its end");
  return out;
}

}  // namespace attar::tensor::steps
