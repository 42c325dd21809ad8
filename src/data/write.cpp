#include "data/write.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "attar/limits.h"
#include "base/half.h"
#include "data/element.h"
#include "data/npy.h"

namespace attar::data {
namespace {

/// Values converted or framed between two writes.
constexpr std::uint64_t batch_values = 1 << 18;

std::string_view npy_descr(ElementType element) {
  switch (element) {
    case ElementType::f16: return "<f2";
    case ElementType::f32: return "<f4";
    default: return "<i4";
  }
}

bool is_written(std::string_view ending, ElementType element) {
  if (ending == ".npy")
    return element == ElementType::f32 || element == ElementType::f16 || element == ElementType::i32;
  if (ending == ".fvecs") return element == ElementType::f32;
  return ending == ".ivecs" && element == ElementType::i32;
}

}  // namespace

Result<VectorWriter> VectorWriter::create(const std::filesystem::path& path, ElementType element, std::uint32_t dims) {
  const std::string ending = path.extension().string();
  if (!is_written(ending, element))
    return std::unexpected(Error{
        .code = ErrorCode::invalid_argument,
        .message = fmt::format("cannot write {} to {}; name the output .npy (f32, f16, i32), "
                               ".fvecs (f32) or .ivecs (i32)",
                               element_name(element), ending.empty() ? "a name without an ending" : in_quotes(ending)),
        .file = path.string()});
  if (dims == 0 || dims > OpenLimits{}.max_dims)
    return std::unexpected(Error{.code = ErrorCode::invalid_argument,
                                 .message = fmt::format("cannot write rows of {} dimensions", dims),
                                 .file = path.string()});
  ATTAR_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  VectorWriter out(std::move(file), path.string(), element, dims, ending == ".npy");
  if (out.npy_) {
    // The number of rows is filled in by finish().
    const std::string header = npy_header_bytes(npy_descr(element), 0, dims);
    ATTAR_TRY(out.file_.write(std::as_bytes(std::span(header))));
  }
  return out;
}

VectorWriter::VectorWriter(base::AtomicFile file, std::string name, ElementType element, std::uint32_t dims, bool npy)
    : file_(std::move(file)), name_(std::move(name)), element_(element), dims_(dims), npy_(npy) {}

Status VectorWriter::append(std::span<const float> values) {
  ATTAR_TRY(check(values.size(), false));
  if (element_ == ElementType::f32) return append_rows(std::as_bytes(values), std::uint64_t{dims_} * sizeof(float));
  const std::uint64_t batch = std::max<std::uint64_t>(1, batch_values / dims_) * dims_;
  for (std::uint64_t at = 0; at < values.size(); at += batch) {
    const auto part = values.subspan(at, std::min(batch, values.size() - at));
    ATTAR_ASSIGN(const std::vector<std::uint16_t> halves, to_half(part, rows_));
    ATTAR_TRY(append_rows(std::as_bytes(std::span(halves)), std::uint64_t{dims_} * sizeof(std::uint16_t)));
  }
  return {};
}

Status VectorWriter::append(std::span<const std::int32_t> values) {
  ATTAR_TRY(check(values.size(), true));
  return append_rows(std::as_bytes(values), std::uint64_t{dims_} * sizeof(std::int32_t));
}

Status VectorWriter::finish() {
  if (npy_) {
    const std::string header = npy_header_bytes(npy_descr(element_), rows_, dims_);
    ATTAR_TRY(file_.write_at(0, std::as_bytes(std::span(header))));
  }
  return file_.commit();
}

Status VectorWriter::check(std::uint64_t values, bool integers) const {
  if (integers != (element_ == ElementType::i32))
    return fail(ErrorCode::invalid_argument, fmt::format("holds {}, so {} cannot be appended", element_name(element_),
                                                         integers ? "integers" : "floats"));
  if (values % dims_ != 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} values are not whole rows of {} dimensions", values, dims_));
  if (values / dims_ > OpenLimits{}.max_rows - rows_)
    return fail(ErrorCode::over_limit, fmt::format("would hold more than {} rows", OpenLimits{}.max_rows));
  return {};
}

Status VectorWriter::append_rows(base::ByteView rows, std::uint64_t row_bytes) {
  const std::uint64_t count = rows.size() / row_bytes;
  if (npy_) {
    ATTAR_TRY(file_.write(rows));
    rows_ += count;
    return {};
  }
  // .fvecs and .ivecs put the number of dimensions before every row.
  const std::uint64_t batch = std::max<std::uint64_t>(1, batch_values / dims_);
  for (std::uint64_t first = 0; first < count; first += batch) {
    base::ByteWriter framed;
    for (std::uint64_t i = first; i < std::min(count, first + batch); ++i) {
      framed.write(static_cast<std::int32_t>(dims_));
      framed.write_bytes(rows.subspan(i * row_bytes, row_bytes));
    }
    ATTAR_TRY(file_.write(framed.bytes()));
  }
  rows_ += count;
  return {};
}

Result<std::vector<std::uint16_t>> VectorWriter::to_half(std::span<const float> values, std::uint64_t first) const {
  std::vector<std::uint16_t> out(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    out[i] = base::float_to_half(values[i]);
    if (std::isfinite(values[i]) && !std::isfinite(base::half_to_float(out[i])))
      return fail(ErrorCode::invalid_data, fmt::format("row {}, component {} is {}, beyond the range of f16 (65,504); "
                                                       "write f32",
                                                       first + i / dims_, i % dims_, values[i]));
  }
  return out;
}

std::unexpected<Error> VectorWriter::fail(ErrorCode code, std::string message) const {
  return std::unexpected(Error{.code = code, .message = std::move(message), .file = name_});
}

}  // namespace attar::data
