#include "data/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/bytes.h"

namespace attar::data {
namespace {

constexpr std::uint64_t longest_npy_header = 65'535;
constexpr std::size_t most_npy_axes = 32;
constexpr const char* cut_short_header = "ends inside its .npy header; save or copy it again";

/// Recursive descent over the subset of Python's literals that a header may hold: strings, True, False, tuples of ints.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  Result<NpyHeader> parse() {
    if (!accept('{')) return bad("a '{'");
    while (!accept('}')) {
      ATTAR_TRY(parse_entry());
      if (accept(',')) continue;
      if (!accept('}')) return bad("',' or '}'");
      break;
    }
    skip_space();
    if (at_ != text_.size()) return bad("nothing more");
    if (!has_descr_ || !has_order_ || !has_shape_)
      return fail(ErrorCode::invalid_data, "its .npy header lacks 'descr', 'fortran_order' or 'shape'");
    return std::move(header_);
  }

 private:
  Status parse_entry() {
    ATTAR_ASSIGN(const std::string_view key, parse_string());
    if (!accept(':')) return bad("a ':'");
    if (key == "descr" && !std::exchange(has_descr_, true)) return parse_descr();
    if (key == "fortran_order" && !std::exchange(has_order_, true)) return parse_order();
    if (key == "shape" && !std::exchange(has_shape_, true)) return parse_shape();
    return bad("each of the keys 'descr', 'fortran_order' and 'shape' once");
  }

  Status parse_descr() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[')
      return fail(ErrorCode::unsupported,
                  "holds a structured array; save the one field that holds the vectors: np.save(path, x['field'])");
    ATTAR_ASSIGN(const std::string_view descr, parse_string());
    header_.descr = descr;
    return {};
  }

  Status parse_order() {
    skip_space();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      header_.fortran_order = value;
      return {};
    }
    return bad("True or False");
  }

  Status parse_shape() {
    if (!accept('(')) return bad("a '('");
    while (!accept(')')) {
      ATTAR_ASSIGN(const std::uint64_t length, parse_integer());
      if (header_.shape.size() == most_npy_axes) return bad("at most 32 axes");
      header_.shape.push_back(length);
      if (accept(',')) continue;
      if (header_.shape.size() == 1) return bad("a ',' after the only axis");
      if (!accept(')')) return bad("',' or ')'");
      break;
    }
    return {};
  }

  Result<std::string_view> parse_string() {
    skip_space();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return bad("a quoted string");
    const char quote = text_[at_];
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return bad("the end of a quoted string");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    if (inside.find('\\') != std::string_view::npos) return bad("a string without escapes");
    at_ = end + 1;
    return inside;
  }

  Result<std::uint64_t> parse_integer() {
    skip_space();
    std::uint64_t value = 0;
    const std::size_t start = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
          __builtin_add_overflow(value, static_cast<std::uint64_t>(text_[at_] - '0'), &value))
        return bad("a length below 2^64");
    }
    if (at_ == start) return bad("a length");
    return value;
  }

  bool accept(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  [[nodiscard]] std::unexpected<Error> bad(std::string_view wanted) const {
    return fail(ErrorCode::invalid_data,
                fmt::format("its .npy header is damaged: {} expected at {}; save it again with "
                            "np.save",
                            wanted, in_quotes(text_.substr(at_))));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  NpyHeader header_;
  bool has_descr_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

std::optional<ElementType> element_of_descr(std::string_view descr) {
  if (descr == "<f2") return ElementType::f16;
  if (descr == "<f4") return ElementType::f32;
  if (descr == "<f8") return ElementType::f64;
  if (descr == "|i1" || descr == "<i1") return ElementType::i8;
  if (descr == "|u1" || descr == "<u1") return ElementType::u8;
  return std::nullopt;
}

/// Why a dtype is refused, and the line of Python that mends it.
std::unexpected<Error> refuse_dtype(const InputFile& file, std::string_view descr) {
  const auto refuse = [&](std::string_view what, std::string_view fix) {
    return file.fail(
        ErrorCode::unsupported,
        fmt::format("holds {} (dtype {}), and Attar reads f16, f32, f64, i8 and u8; {}", what, in_quotes(descr), fix));
  };
  const char kind = descr.size() > 1 ? descr[1] : '\0';
  if (kind == 'O') return refuse("Python objects", "stack the vectors first: np.save(path, np.stack(x).astype('<f4'))");
  if (descr.starts_with('>')) return refuse("big-endian numbers", "swap them: np.save(path, x.astype('<f4'))");
  if (kind == 'c') return refuse("complex numbers", "keep one part: np.save(path, x.real.astype('<f4'))");
  return refuse("elements of another type", "convert them: np.save(path, x.astype('<f4'))");
}

/// Reads magic, version and the dictionary; gives the dictionary's text and where the rows start.
Result<std::pair<std::string, std::uint64_t>> read_header(const InputFile& file) {
  const auto cut_short = [&] { return file.fail(ErrorCode::truncated, cut_short_header); };
  if (file.size() == 0) return file.fail(ErrorCode::invalid_data, "is empty; give a file with at least one vector");
  std::array<std::byte, 12> head{};
  const std::uint64_t there = std::min<std::uint64_t>(file.size(), head.size());
  ATTAR_TRY(file.read_at(0, std::span(head).first(there)));
  const std::uint64_t magic_there = std::min<std::uint64_t>(there, npy_magic.size());
  if (base::as_text(head).substr(0, magic_there) != npy_magic.substr(0, magic_there))
    return file.fail(ErrorCode::invalid_data,
                     "is not an .npy file (its first bytes are not NumPy's); name its format with --format");
  const auto place = npy_header_place(base::ByteView(head).first(there));
  if (!place) return file.fail(place.error().code, place.error().message);
  const auto& [start, length] = *place;
  if (length > file.size() - start) return cut_short();
  std::string text(length, '\0');
  ATTAR_TRY(file.read_at(start, std::as_writable_bytes(std::span<char>(text))));
  return std::pair{std::move(text), start + length};
}

}  // namespace

Result<NpyHeaderPlace> npy_header_place(base::ByteView head) {
  if (head.size() < 10) return fail(ErrorCode::truncated, cut_short_header);
  const auto major = base::load<std::uint8_t>(head.data() + 6);
  const auto minor = base::load<std::uint8_t>(head.data() + 7);
  if (major < 1 || major > 3 || minor != 0)
    return fail(ErrorCode::unsupported, fmt::format("is .npy version {}.{}; Attar reads 1.0, 2.0 and 3.0: save it "
                                                    "again with np.save",
                                                    major, minor));
  if (major > 1 && head.size() < 12) return fail(ErrorCode::truncated, cut_short_header);
  const std::uint64_t length =
      major == 1 ? base::load<std::uint16_t>(head.data() + 8) : base::load<std::uint32_t>(head.data() + 8);
  if (length > longest_npy_header)
    return fail(ErrorCode::over_limit, fmt::format("has an .npy header of {} bytes, more than the {} that Attar "
                                                   "takes; save it again with np.save",
                                                   length, longest_npy_header));
  return NpyHeaderPlace{.start = major == 1 ? 10u : 12u, .length = length};
}

Result<NpyHeader> parse_npy_header(std::string_view text) { return HeaderParser(text).parse(); }

Result<RowLayout> npy_layout(const InputFile& file) {
  ATTAR_ASSIGN(const auto header_at, read_header(file));
  auto header = parse_npy_header(header_at.first);
  if (!header) return file.fail(header.error().code, std::move(header.error().message));
  const auto element = element_of_descr(header->descr);
  if (!element) return refuse_dtype(file, header->descr);
  const auto& shape = header->shape;
  if (shape.size() != 2) {
    return file.fail(ErrorCode::unsupported,
                     fmt::format("holds an array of shape ({}), and vectors need two axes, rows × dimensions; {}",
                                 fmt::join(shape, ", "),
                                 shape.size() < 2 ? "one vector is saved as np.save(path, x.reshape(1, -1))"
                                                  : "flatten it: np.save(path, x.reshape(-1, x.shape[-1]))"));
  }
  if (header->fortran_order)
    return file.fail(ErrorCode::unsupported,
                     "is in Fortran order; save it by rows: np.save(path, np.ascontiguousarray(x))");
  // Dims beyond 32 bits are as much over the limit as this value is.
  const std::uint64_t dims = std::min<std::uint64_t>(shape[1], UINT32_MAX);
  const RowLayout layout{
      .element = *element, .rows = shape[0], .dims = static_cast<std::uint32_t>(dims), .data_offset = header_at.second};
  ATTAR_TRY(check_layout(layout, file));
  return layout;
}

std::string npy_header_bytes(std::string_view descr, std::uint64_t rows, std::uint32_t dims) {
  constexpr std::uint16_t text_bytes = npy_written_header - 10;
  std::string out(npy_magic);
  out += {'\x01', '\x00', static_cast<char>(text_bytes & 0xff), static_cast<char>(text_bytes >> 8)};
  out += fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}", descr, rows, dims);
  out.resize(npy_written_header - 1, ' ');
  out += '\n';
  return out;
}

}  // namespace attar::data
