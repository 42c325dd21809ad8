#include "data/line_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "data/utf8.h"

namespace attar::data {
namespace {

constexpr std::size_t read_bytes = 1 << 18;

}  // namespace

LineReader::LineReader(const InputFile& file, std::uint64_t longest)
    : file_(file), longest_(longest), buffer_(std::min<std::uint64_t>(file.size(), read_bytes) + padding) {}

Result<std::optional<std::string_view>> LineReader::next() {
  if (too_long_) ATTAR_TRY(skip_line());
  std::size_t searched = 0;
  for (;;) {
    const std::string_view unread(buffer_.data() + begin_, end_ - begin_);
    const std::size_t stop = unread.find('\n', searched);
    const bool last = stop == std::string_view::npos && offset_ == file_.size();
    if (last && unread.empty()) return std::nullopt;
    std::string_view line = unread.substr(0, stop);
    if (line.size() > longest_) {
      ++number_;
      too_long_ = true;
      return fail(ErrorCode::over_limit, fmt::format("is longer than {} bytes; is the file made of lines?", longest_));
    }
    if (last || stop != std::string_view::npos) {
      begin_ += last ? line.size() : line.size() + 1;
      if (number_++ == 0 && line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
      if (line.ends_with('\r')) line.remove_suffix(1);
      return line;
    }
    searched = unread.size();
    ATTAR_TRY(refill());
  }
}

/// Drops the buffer as often as need be, so that a line of any length takes no more memory.
Status LineReader::skip_line() {
  for (;;) {
    const std::string_view unread(buffer_.data() + begin_, end_ - begin_);
    const std::size_t stop = unread.find('\n');
    too_long_ = stop == std::string_view::npos && offset_ != file_.size();
    begin_ = stop == std::string_view::npos ? end_ : begin_ + stop + 1;
    if (!too_long_) return {};
    ATTAR_TRY(refill());
  }
}

Status LineReader::refill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() - padding == end_) buffer_.resize(2 * end_ + padding);
  const std::uint64_t room = buffer_.size() - padding - end_;
  const std::uint64_t count = std::min(room, file_.size() - offset_);
  ATTAR_TRY(file_.read_at(offset_, std::as_writable_bytes(std::span(buffer_).subspan(end_, count))));
  offset_ += count;
  end_ += count;
  return {};
}

std::unexpected<Error> LineReader::fail(ErrorCode code, std::string_view message) const {
  return file_.fail(code, fmt::format("line {} {}", number_, message));
}

bool is_blank(std::string_view line) noexcept { return line.find_first_not_of(" \t") == std::string_view::npos; }

}  // namespace attar::data
