#include "tensor/refined/frame.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "base/leb128.h"
#include "tensor/common/scales.h"
#include "tensor/refined/cells.h"
#include "tensor/steps/frame.h"

namespace attar::tensor::refined {
namespace {

constexpr std::uint8_t has_columns = 1, has_rows = 2;
constexpr unsigned most_leb_of_a_place = 5;

std::unexpected<Error> bad(const char* what) { return fail(ErrorCode::corrupt, what); }

bool codes_exactly(const math::RansFrequencies& own, std::size_t symbols) {
  const auto end = own.begin() + static_cast<std::ptrdiff_t>(symbols);
  return std::all_of(own.begin(), end, [](std::uint16_t f) { return f != 0; }) &&
         std::all_of(end, own.end(), [](std::uint16_t f) { return f == 0; });
}

bool is_table_of_passes(const math::RansModel& model) {
  if (model.contexts().size() != contexts) return false;
  for (std::size_t c = 0; c < contexts; ++c)
    if (!codes_exactly(model.contexts()[c], c < significance_contexts ? 3 : 2)) return false;
  return true;
}

}  // namespace

std::vector<std::byte> write_frame(const Frame& frame) {
  base::ByteWriter out;
  out.write(static_cast<std::uint8_t>((frame.column_scales ? has_columns : 0) | (frame.row_scales ? has_rows : 0)));
  out.write(std::uint8_t{0});
  out.write(static_cast<std::uint16_t>(frame.table));
  if (frame.column_scales) write_scales(out, frame.scales);
  return std::move(out).release();
}

Result<Frame> read_frame(base::ByteView preamble, const codec::TensorSchema& schema, const codec::TableSets& tables) {
  const auto type = steps::type_of(schema.element);
  if (!type) return bad("a tensor of no float type is said to be progressive");
  if (schema.columns == 0 || schema.columns > most_columns) return bad("rows have an impossible length");
  base::ByteReader in(preamble);
  Frame out{.type = *type, .columns = schema.columns};
  ATTAR_ASSIGN(const auto flags, in.read<std::uint8_t>());
  ATTAR_ASSIGN(const auto zero, in.read<std::uint8_t>());
  ATTAR_ASSIGN(out.table, in.read<std::uint16_t>());
  if ((flags & ~(has_columns | has_rows)) != 0 || zero != 0)
    return fail(ErrorCode::too_new, "a tensor has features of a later version");
  if (out.table >= tables.size() || !is_table_of_passes(tables.set(out.table)))
    return bad("a tensor names a table that is not there, or not one of passes");
  out.column_scales = (flags & has_columns) != 0;
  out.row_scales = (flags & has_rows) != 0;
  if (out.column_scales) {
    ATTAR_ASSIGN(out.scales, read_scales(in, out.columns, least_scale, most_scale));
  } else {
    out.scales.resize(out.columns);
  }
  if (in.remaining() != 0) return bad("a tensor's preamble goes on after its end");
  return out;
}

void write_root(base::ByteWriter& out, const Root& root) {
  out.write(root.step);
  out.write(static_cast<std::uint8_t>(root.planes));
  base::write_leb128(out, root.places.size());
  write_scales(out, root.scales);
  std::uint64_t next = 0;
  for (const std::uint64_t place : root.places) {
    base::write_leb128(out, place - next);
    next = place + 1;
  }
  out.write_bytes(root.escapes);
}

Result<Root> read_root(base::ByteReader& in, const Frame& frame, std::uint64_t count) {
  Root out;
  ATTAR_ASSIGN(out.step, in.read<float>());
  ATTAR_ASSIGN(const auto planes, in.read<std::uint8_t>());
  if (!(out.step >= least_step && out.step <= most_step)) return bad("a block's step is out of range");
  if (planes > most_planes) return bad("a block has more planes than it may");
  out.planes = planes;
  ATTAR_ASSIGN(const std::uint64_t escapes, base::read_leb128(in, most_leb_of_a_place));
  if (escapes > count || escapes > in.remaining()) return bad("a block has more escapes than elements");
  const std::uint64_t rows = base::ceil_div(count, frame.columns);
  ATTAR_ASSIGN(out.scales, read_scales(in, frame.scales_of(rows), least_scale, most_scale));
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < escapes; ++i) {
    ATTAR_ASSIGN(const std::uint64_t between, base::read_leb128(in, most_leb_of_a_place));
    if (between >= count - next) return bad("a block has an escape behind its end");
    out.places.push_back(next + between);
    next += between + 1;
  }
  ATTAR_ASSIGN(out.escapes, in.take(escapes * steps::bytes_of(frame.type)));
  return out;
}

}  // namespace attar::tensor::refined
