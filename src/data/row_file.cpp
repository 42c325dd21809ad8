#include "data/row_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "attar/limits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "data/element.h"

namespace attar::data {
namespace {

/// Rows are converted through a buffer of about this size, so that a reader's memory does not grow with its request.
constexpr std::uint64_t buffer_bytes = 1 << 20;

/// How many row lengths are looked at to name the row that makes a file's size odd.
constexpr std::uint64_t searched_rows = 1 << 20;

Result<std::uint32_t> length_of_row(const InputFile& file, const RowLayout& layout, std::uint64_t row) {
  std::array<std::byte, 4> prefix{};
  ATTAR_TRY(file.read_at(layout.data_offset + row * layout.row_bytes(), prefix));
  return base::load<std::uint32_t>(prefix.data());
}

std::unexpected<Error> ragged_row(const InputFile& file, const RowLayout& layout, std::uint64_t row,
                                  std::uint32_t found) {
  return file.fail(
      ErrorCode::invalid_data,
      fmt::format("row {} has {} dimensions, the first has {}; all rows must have the same number, and the "
                  "file's ending must say its element type (.fvecs f32, .bvecs u8, .ivecs i32)",
                  row, static_cast<std::int32_t>(found), layout.dims));
}

Status check_dims(const InputFile& file, std::uint64_t dims) {
  if (dims == 0)
    return file.fail(ErrorCode::invalid_data, "its rows have no dimensions; write vectors of at least one component");
  const std::uint32_t most = OpenLimits{}.max_dims;
  if (dims > most)
    return file.fail(ErrorCode::over_limit,
                     fmt::format("its rows have {} dimensions, more than the {} that Attar takes; if that is not what "
                                 "you wrote, the file is in another format (name it with --format)",
                                 dims, most));
  return {};
}

Status check_rows(const InputFile& file, std::uint64_t rows) {
  if (rows == 0) return file.fail(ErrorCode::invalid_data, "holds no rows; give a file with at least one vector");
  const std::uint64_t most = OpenLimits{}.max_rows;
  if (rows > most)
    return file.fail(ErrorCode::over_limit, fmt::format("holds {} rows, more than the {} that one artifact takes; "
                                                        "split it into several files",
                                                        rows, most));
  return {};
}

/// Says which row of a .fvecs-like file has another length, or that the last one is cut short.
Status explain_size(const InputFile& file, const RowLayout& layout, std::uint64_t whole_rows) {
  for (std::uint64_t row = 1; row < std::min(whole_rows, searched_rows); ++row) {
    ATTAR_ASSIGN(const std::uint32_t dims, length_of_row(file, layout, row));
    if (dims != layout.dims) return ragged_row(file, layout, row, dims);
  }
  const std::uint64_t left = file.size() - whole_rows * layout.row_bytes();
  return file.fail(ErrorCode::truncated,
                   fmt::format("its {} bytes are {} rows of {} dimensions ({} bytes each) and {} bytes more: row {} is "
                               "cut short, or a row has another length; make or copy the file again",
                               file.size(), whole_rows, layout.dims, layout.row_bytes(), left, whole_rows));
}

class RowSource final : public VectorSource {
 public:
  RowSource(InputFile file, const RowLayout& layout) : file_(std::move(file)), layout_(layout) {}

  [[nodiscard]] std::uint64_t rows() const noexcept override { return layout_.rows; }
  [[nodiscard]] std::uint32_t dims() const noexcept override { return layout_.dims; }
  [[nodiscard]] ElementType element() const noexcept override { return layout_.element; }
  [[nodiscard]] const std::string& name() const noexcept override { return file_.name(); }

  [[nodiscard]] Status read(std::uint64_t first, std::span<float> out) const override {
    const std::uint64_t count = out.size() / layout_.dims;
    if (out.size() % layout_.dims != 0 || first > layout_.rows || count > layout_.rows - first)
      return file_.fail(ErrorCode::invalid_argument,
                        fmt::format("cannot read {} values from row {} on: it has {} rows of {} dimensions", out.size(),
                                    first, layout_.rows, layout_.dims));
    if (layout_.element == ElementType::f32 && layout_.prefix_bytes == 0)
      return file_.read_at(layout_.data_offset + first * layout_.row_bytes(), std::as_writable_bytes(out));
    return read_converted(first, out);
  }

 private:
  [[nodiscard]] Status read_converted(std::uint64_t first, std::span<float> out) const {
    const std::uint64_t stride = layout_.row_bytes();
    const std::uint64_t count = out.size() / layout_.dims;
    const std::uint64_t batch = std::min(count, std::max<std::uint64_t>(1, buffer_bytes / stride));
    std::vector<std::byte> buffer(batch * stride);
    for (std::uint64_t done = 0; done < count; done += batch) {
      const std::uint64_t rows = std::min(batch, count - done);
      ATTAR_TRY(read_raw_rows(file_, layout_, first + done, std::span(buffer).first(rows * stride)));
      for (std::uint64_t i = 0; i < rows; ++i)
        widen(layout_.element, buffer.data() + i * stride + layout_.prefix_bytes,
              out.subspan((done + i) * layout_.dims, layout_.dims));
    }
    return {};
  }

  InputFile file_;
  RowLayout layout_;
};

}  // namespace

std::uint64_t RowLayout::row_bytes() const noexcept {
  return prefix_bytes + std::uint64_t{dims} * element_bytes(element);
}

Status check_layout(const RowLayout& layout, const InputFile& file) {
  ATTAR_TRY(check_dims(file, layout.dims));
  ATTAR_TRY(check_rows(file, layout.rows));
  ATTAR_ASSIGN(const std::uint64_t data_bytes, base::checked_mul(layout.rows, layout.row_bytes()));
  ATTAR_ASSIGN(const std::uint64_t wanted, base::checked_add(layout.data_offset, data_bytes));
  if (file.size() < wanted)
    return file.fail(
        ErrorCode::truncated,
        fmt::format("announces {} rows of {} dimensions, {} bytes in all, but has {}: it ends in row {}; "
                    "make or copy it again",
                    layout.rows, layout.dims, wanted, file.size(),
                    (std::max(file.size(), layout.data_offset) - layout.data_offset) / layout.row_bytes()));
  if (file.size() > wanted)
    return file.fail(ErrorCode::invalid_data,
                     fmt::format("{} bytes follow its {} rows of {} dimensions; write the file again with nothing "
                                 "after the rows",
                                 file.size() - wanted, layout.rows, layout.dims));
  return {};
}

Result<RowLayout> vecs_layout(const InputFile& file, ElementType element) {
  if (file.size() == 0) return file.fail(ErrorCode::invalid_data, "is empty; give a file with at least one vector");
  std::array<std::byte, 4> prefix{};
  if (file.size() < prefix.size())
    return file.fail(
        ErrorCode::truncated,
        fmt::format("has {} bytes, too few for the length of its first row; make or copy it again", file.size()));
  ATTAR_TRY(file.read_at(0, prefix));
  const auto dims = base::load<std::uint32_t>(prefix.data());
  ATTAR_TRY(check_dims(file, dims));
  RowLayout layout{.element = element, .rows = 0, .dims = dims, .data_offset = 0, .prefix_bytes = 4};
  layout.rows = file.size() / layout.row_bytes();
  if (file.size() % layout.row_bytes() != 0) ATTAR_TRY(explain_size(file, layout, layout.rows));
  ATTAR_TRY(check_layout(layout, file));
  return layout;
}

Result<RowLayout> bin_layout(const InputFile& file, ElementType element) {
  if (file.size() == 0) return file.fail(ErrorCode::invalid_data, "is empty; give a file with at least one vector");
  std::array<std::byte, 8> head{};
  if (file.size() < head.size())
    return file.fail(
        ErrorCode::truncated,
        fmt::format("has {} bytes, too few for the 8 that hold the numbers of rows and dimensions; make or "
                    "copy it again",
                    file.size()));
  ATTAR_TRY(file.read_at(0, head));
  const RowLayout layout{.element = element,
                         .rows = base::load<std::uint32_t>(head.data()),
                         .dims = base::load<std::uint32_t>(head.data() + 4),
                         .data_offset = head.size()};
  ATTAR_TRY(check_layout(layout, file));
  return layout;
}

Status read_raw_rows(const InputFile& file, const RowLayout& layout, std::uint64_t first, std::span<std::byte> out) {
  const std::uint64_t stride = layout.row_bytes();
  ATTAR_TRY(file.read_at(layout.data_offset + first * stride, out));
  if (layout.prefix_bytes == 0) return {};
  for (std::uint64_t at = 0; at < out.size(); at += stride) {
    const auto dims = base::load<std::uint32_t>(out.data() + at);
    if (dims != layout.dims) return ragged_row(file, layout, first + at / stride, dims);
  }
  return {};
}

std::unique_ptr<VectorSource> row_source(InputFile file, const RowLayout& layout) {
  return std::make_unique<RowSource>(std::move(file), layout);
}

}  // namespace attar::data
