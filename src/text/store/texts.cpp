#include "text/store/texts.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/leb128.h"
#include "base/zstd_handles.h"
#include "text/store/layout.h"

namespace attar::text {
namespace {

constexpr unsigned most_length_bytes = 5;  // of a LEB128

}  // namespace

// What zstd makes of the section's dictionary, made by the first who decompresses.
struct Texts::Dictionary {
  mutable std::once_flag once;
  mutable std::optional<Result<base::ZstdHandle<ZSTD_DDict>>> value;

  [[nodiscard]] Result<const ZSTD_DDict*> get(const Texts& texts) const {
    std::call_once(once, [&] { value.emplace(make(texts)); });
    if (!*value) return std::unexpected(value->error());
    return (*value)->get();
  }

  [[nodiscard]] static Result<base::ZstdHandle<ZSTD_DDict>> make(const Texts& texts) {
    ATTAR_TRY(texts.section_.verify(texts_header_bytes, texts.dictionary_bytes_));
    const base::ByteView bytes = texts.section_.bytes().subspan(texts_header_bytes, texts.dictionary_bytes_);
    base::ZstdHandle<ZSTD_DDict> out(ZSTD_createDDict(bytes.data(), bytes.size()));
    if (!out)
      return texts.section_.fail(ErrorCode::corrupt, "has a dictionary that cannot be used; pack the data anew",
                                 texts_header_bytes);
    return out;
  }
};

// Decompresses groups, one after the other, and finds pieces in them.
class Texts::Reading {
 public:
  explicit Reading(const Texts& texts) : texts_(texts), context_(own_context()) {}

  /// Makes a group the present one.
  Status open(std::uint32_t number) {
    if (number_ == number) return {};
    number_.reset();
    ATTAR_ASSIGN(group_, texts_.group(number));
    const format::SectionReader& section = texts_.section_;
    ATTAR_TRY(section.verify(group_.begin, group_.end - group_.begin));
    const base::ByteView frame = section.bytes().subspan(group_.begin, group_.end - group_.begin);
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size > texts_.most_content_)  // what zstd cannot tell is larger than any
      return corrupt("states no size of its content that may be");
    content_.resize(size);
    ATTAR_TRY(decompress(frame));
    ATTAR_TRY(find_pieces());
    number_ = number;
    return {};
  }

  [[nodiscard]] const Group& group() const noexcept { return group_; }
  /// Of a row of the present group.
  [[nodiscard]] std::string_view piece(std::uint32_t row) const noexcept {
    const std::size_t i = row - group_.first;
    return std::string_view(content_).substr(ends_[i], ends_[i + 1] - ends_[i]);
  }

 private:
  // This thread's, which takes longer to make than to use; null where memory is out.
  static ZSTD_DCtx* own_context() {
    thread_local const base::ZstdHandle<ZSTD_DCtx> context(ZSTD_createDCtx());
    return context.get();
  }

  [[nodiscard]] std::unexpected<Error> corrupt(std::string_view what) const {
    return texts_.section_.fail(
        ErrorCode::corrupt,
        fmt::format("the group of rows {} to {} {}; pack the data anew", group_.first, group_.last - 1, what),
        group_.begin);
  }

  Status decompress(base::ByteView frame) {
    if (context_ == nullptr) return fail(ErrorCode::over_limit, "no memory is left for decompressing");
    std::size_t done = 0;
    if (texts_.dictionary_bytes_ == 0) {
      done = ZSTD_decompressDCtx(context_, content_.data(), content_.size(), frame.data(), frame.size());
    } else {
      ATTAR_ASSIGN(const ZSTD_DDict* dictionary, texts_.dictionary_->get(texts_));
      done = ZSTD_decompress_usingDDict(context_, content_.data(), content_.size(), frame.data(), frame.size(),
                                        dictionary);
    }
    if (ZSTD_isError(done) != 0 || done != content_.size()) return corrupt("cannot be decompressed");
    return {};
  }

  Status find_pieces() {
    base::ByteReader in(std::as_bytes(std::span(content_.data(), content_.size())));
    std::vector<std::uint64_t> lengths(group_.last - group_.first);
    std::uint64_t sum = 0;
    for (std::uint64_t& length : lengths) {
      const auto read = base::read_leb128(in, most_length_bytes);
      if (!read) return corrupt("has a length that is none");
      length = *read;
      sum += length;
      if (sum > content_.size()) break;
    }
    if (in.position() + sum != content_.size()) return corrupt("holds other texts than its lengths say");
    ends_.assign(1, in.position());
    for (const std::uint64_t length : lengths) ends_.push_back(ends_.back() + length);
    return {};
  }

  const Texts& texts_;
  ZSTD_DCtx* context_;
  std::optional<std::uint32_t> number_;
  Group group_;
  std::string content_;
  std::vector<std::uint64_t> ends_;  // where a piece begins in the content, and where the last ends
};

Result<Texts> Texts::open(format::SectionReader section, std::uint64_t rows) {
  ATTAR_TRY(section.expect_version(texts_wire_version));
  Texts out(std::move(section));
  ATTAR_ASSIGN(const TextsHeader header, TextsHeader::read(out.section_));
  ATTAR_ASSIGN(const TextsLayout layout, TextsLayout::of(header, out.section_));
  if (header.pieces != rows)
    return out.section_.fail(ErrorCode::corrupt,
                             fmt::format("holds the texts of {} rows, the artifact has {}", header.pieces, rows));
  out.rows_ = header.pieces;
  out.groups_ = header.groups;
  out.bytes_ = header.bytes;
  out.dictionary_bytes_ = header.dictionary_bytes;
  out.most_content_ = header.most_content;
  out.ends_at_ = layout.ends;
  out.pieces_at_ = layout.pieces;
  out.frames_at_ = layout.frames;
  out.dictionary_ = std::make_shared<Dictionary>();
  return out;
}

Result<Texts::Group> Texts::group(std::uint32_t number) const {
  const std::byte* bytes = section_.bytes().data();
  const std::uint32_t before = number == 0 ? 0 : 1;
  ATTAR_TRY(section_.verify(ends_at_ + 8 * (std::uint64_t{number} - before), 8 * (1 + before)));
  ATTAR_TRY(section_.verify(pieces_at_ + 4 * (std::uint64_t{number} - before), 4 * (1 + before)));
  Group out;
  out.last = base::load<std::uint32_t>(bytes + pieces_at_ + 4 * std::uint64_t{number});
  const auto end = base::load<std::uint64_t>(bytes + ends_at_ + 8 * std::uint64_t{number});
  std::uint64_t begin = 0;
  if (before != 0) {
    out.first = base::load<std::uint32_t>(bytes + pieces_at_ + 4 * (std::uint64_t{number} - 1));
    begin = base::load<std::uint64_t>(bytes + ends_at_ + 8 * (std::uint64_t{number} - 1));
  }
  const std::uint64_t room = section_.bytes().size() - frames_at_;
  const bool is_last = number + 1 == groups_;
  if (begin >= end || end > room || out.first >= out.last || out.last > rows_ ||
      (is_last && (out.last != rows_ || end != room)))
    return section_.fail(ErrorCode::corrupt,
                         fmt::format("the ends of group {} are out of order; pack the data anew", number),
                         ends_at_ + 8 * std::uint64_t{number});
  out.begin = frames_at_ + begin;
  out.end = frames_at_ + end;
  return out;
}

Result<std::uint32_t> Texts::group_of(std::uint32_t row) const {
  std::uint32_t first = 0, last = groups_ - 1;
  while (first < last) {
    const std::uint32_t middle = first + (last - first) / 2;
    ATTAR_TRY(section_.verify(pieces_at_ + 4 * std::uint64_t{middle}, 4));
    const auto end = base::load<std::uint32_t>(section_.bytes().data() + pieces_at_ + 4 * std::uint64_t{middle});
    if (end > row) {
      last = middle;
    } else {
      first = middle + 1;
    }
  }
  return first;
}

Result<std::string> Texts::text(std::uint32_t row) const {
  std::string out;
  ATTAR_TRY(visit(std::span(&row, 1), [&](std::size_t, std::string_view text) -> Status {
    out = text;
    return {};
  }));
  return out;
}

Status Texts::visit(std::span<const std::uint32_t> rows, const Visit& visit) const {
  Reading reading(*this);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] >= rows_)
      return fail(ErrorCode::invalid_argument, fmt::format("row {} of {} was asked for", rows[i], rows_));
    if (i == 0 || rows[i] < reading.group().first || rows[i] >= reading.group().last) {
      ATTAR_ASSIGN(const std::uint32_t number, group_of(rows[i]));
      ATTAR_TRY(reading.open(number));
      if (rows[i] < reading.group().first || rows[i] >= reading.group().last)
        return section_.fail(ErrorCode::corrupt, "its groups are out of order; pack the data anew", pieces_at_);
    }
    ATTAR_TRY(visit(i, reading.piece(rows[i])));
  }
  return {};
}

Status Texts::visit(std::uint32_t first, std::uint32_t last, const Visit& visit) const {
  if (first > last || last > rows_)
    return fail(ErrorCode::invalid_argument, fmt::format("rows {} to {} of {} were asked for", first, last, rows_));
  Reading reading(*this);
  for (std::uint32_t row = first; row < last;) {
    ATTAR_ASSIGN(const std::uint32_t number, group_of(row));
    ATTAR_TRY(reading.open(number));
    if (row < reading.group().first || row >= reading.group().last)
      return section_.fail(ErrorCode::corrupt, "its groups are out of order; pack the data anew", pieces_at_);
    for (; row < std::min(last, reading.group().last); ++row) ATTAR_TRY(visit(row - first, reading.piece(row)));
  }
  return {};
}

Status Texts::check() const {
  std::uint64_t bytes = 0;
  Reading reading(*this);
  std::uint32_t row = 0;
  for (std::uint32_t number = 0; number < groups_; ++number) {
    ATTAR_TRY(reading.open(number));
    for (; row < reading.group().last; ++row) bytes += reading.piece(row).size();
  }
  if (bytes == bytes_) return {};
  return section_.fail(ErrorCode::corrupt, fmt::format("holds {} bytes of text and says {}", bytes, bytes_), 8);
}

}  // namespace attar::text
