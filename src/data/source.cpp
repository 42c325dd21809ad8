#include "data/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "data/element.h"
#include "data/input_file.h"
#include "data/jsonl.h"
#include "data/npy.h"
#include "data/row_file.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

enum class Family : std::uint8_t { npy, vecs, bin, jsonl };

struct VectorFormat {
  std::string_view name;  ///< of --format, and the file's ending
  Family family;
  ElementType element;  ///< of vecs and bin
};

constexpr std::array formats{
    VectorFormat{"npy", Family::npy, ElementType::f32},      VectorFormat{"fvecs", Family::vecs, ElementType::f32},
    VectorFormat{"bvecs", Family::vecs, ElementType::u8},    VectorFormat{"ivecs", Family::vecs, ElementType::i32},
    VectorFormat{"fbin", Family::bin, ElementType::f32},     VectorFormat{"u8bin", Family::bin, ElementType::u8},
    VectorFormat{"i8bin", Family::bin, ElementType::i8},     VectorFormat{"f16bin", Family::bin, ElementType::f16},
    VectorFormat{"ibin", Family::bin, ElementType::i32},     VectorFormat{"jsonl", Family::jsonl, ElementType::f32},
    VectorFormat{"ndjson", Family::jsonl, ElementType::f32},
};

constexpr std::string_view format_names = "npy, fvecs, bvecs, ivecs, fbin, u8bin, i8bin, f16bin, ibin or jsonl";

std::optional<VectorFormat> find_format(std::string_view name) {
  for (const VectorFormat& format : formats)
    if (format.name == name) return format;
  return std::nullopt;
}

/// The file's ending without its dot, in lower case.
std::string ending_of(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  if (!ending.empty()) ending.erase(0, 1);
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ending;
}

/// What the first bytes say of a file whose name says nothing: .npy by its magic, JSONL by its brace.
Result<VectorFormat> sniff(const InputFile& file) {
  std::array<std::byte, 64> bytes{};
  const std::uint64_t count = std::min<std::uint64_t>(file.size(), bytes.size());
  if (count == 0) return file.fail(ErrorCode::invalid_data, "is empty; give a file with at least one vector");
  ATTAR_TRY(file.read_at(0, std::span(bytes).first(count)));
  std::string_view head = base::as_text(bytes).substr(0, count);
  if (head.starts_with(npy_magic)) return *find_format("npy");
  if (head.starts_with("\x1f\x8b") || head.starts_with("\x28\xb5\x2f\xfd"))
    return file.fail(ErrorCode::unsupported,
                     "is compressed; unpack it on the way: zstd -dc FILE | attar … - (gzip -dc for .gz)");
  if (head.starts_with("PK\x03\x04"))
    return file.fail(ErrorCode::unsupported, "is a zip or .npz archive; save its one array with np.save(path, x)");
  if (head.starts_with(byte_order_mark)) head.remove_prefix(byte_order_mark.size());
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && head[first] == '{') return *find_format("jsonl");
  return file.fail(ErrorCode::invalid_argument,
                   fmt::format("cannot tell its format by its name or its first bytes; say it, as in --format fvecs "
                               "({})",
                               format_names));
}

Result<VectorFormat> choose_format(const InputFile& file, const std::filesystem::path& path, std::string_view asked) {
  if (!asked.empty()) {
    if (const auto format = find_format(asked)) return *format;
    return fail(ErrorCode::invalid_argument,
                fmt::format("--format {} is not a format of vectors; give {}", in_quotes(asked), format_names));
  }
  if (const auto format = find_format(ending_of(path))) return *format;
  return sniff(file);
}

Result<RowLayout> layout_of(const InputFile& file, const VectorFormat& format) {
  if (format.family == Family::vecs) return vecs_layout(file, format.element);
  if (format.family == Family::bin) return bin_layout(file, format.element);
  return npy_layout(file);
}

class MemorySource final : public VectorSource {
 public:
  MemorySource(std::vector<float> values, std::uint32_t dims, std::string name)
      : values_(std::move(values)), dims_(dims), name_(std::move(name)) {}

  [[nodiscard]] std::uint64_t rows() const noexcept override { return dims_ == 0 ? 0 : values_.size() / dims_; }
  [[nodiscard]] std::uint32_t dims() const noexcept override { return dims_; }
  [[nodiscard]] ElementType element() const noexcept override { return ElementType::f32; }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }

  [[nodiscard]] Status read(std::uint64_t first, std::span<float> out) const override {
    if (out.empty() && first <= rows()) return {};
    const std::uint64_t count = dims_ == 0 ? 0 : out.size() / dims_;
    if (count * dims_ != out.size() || first > rows() || count > rows() - first)
      return std::unexpected(Error{.code = ErrorCode::invalid_argument,
                                   .message = fmt::format("cannot read {} values from row {} on: it has {} rows of {} "
                                                          "dimensions",
                                                          out.size(), first, rows(), dims_),
                                   .file = name_});
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(first * dims_), out.size(), out.begin());
    return {};
  }

 private:
  std::vector<float> values_;
  std::uint32_t dims_;
  std::string name_;
};

}  // namespace

Result<std::unique_ptr<VectorSource>> open_vectors(const std::filesystem::path& path, const SourceOptions& options) {
  ATTAR_ASSIGN(InputFile file, InputFile::open(path, options.scratch));
  ATTAR_ASSIGN(const VectorFormat format, choose_format(file, path, options.format));
  if (format.family == Family::jsonl) return open_jsonl(file, options);
  ATTAR_ASSIGN(const RowLayout layout, layout_of(file, format));
  return row_source(std::move(file), layout);
}

std::unique_ptr<VectorSource> memory_source(std::vector<float> values, std::uint32_t dims, std::string name) {
  return std::make_unique<MemorySource>(std::move(values), dims, std::move(name));
}

Result<IntegerRows> read_integer_rows(const std::filesystem::path& path) {
  ATTAR_ASSIGN(const InputFile file, InputFile::open(path));
  const auto format = find_format(ending_of(path));
  if (!format || format->element != ElementType::i32)
    return file.fail(ErrorCode::invalid_argument,
                     "must be .ivecs or .ibin: rows of 32-bit integers, the neighbours of one query each");
  ATTAR_ASSIGN(const RowLayout layout, layout_of(file, *format));
  // The file's size was checked against the layout, so this allocates no more than the file holds.
  IntegerRows out{.values = std::vector<std::int32_t>(layout.rows * layout.dims), .width = layout.dims};
  std::vector<std::byte> row(layout.row_bytes());
  for (std::uint64_t i = 0; i < layout.rows; ++i) {
    ATTAR_TRY(read_raw_rows(file, layout, i, row));
    const auto values = std::span(row).subspan(layout.prefix_bytes);
    std::ranges::copy(values, std::as_writable_bytes(std::span(out.values)).subspan(i * values.size()).begin());
  }
  return out;
}

}  // namespace attar::data
