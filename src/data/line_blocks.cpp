#include "data/line_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "data/line_reader.h"
#include "data/utf8.h"

namespace attar::data {

LineBlocks::LineBlocks(const InputFile& file, std::size_t block_bytes, std::uint64_t longest)
    : file_(file), block_bytes_(std::max<std::size_t>(block_bytes, 1)), longest_(longest) {}

Result<bool> LineBlocks::next(LineBlock& out) {
  out.lines.clear();
  out.offset = offset_;
  out.first_number = number_;
  if (offset_ == file_.size()) return false;
  ATTAR_TRY(fill(out));
  for (const LineBlock::Line& line : out.lines)
    if (line.text.size() > longest_)
      return file_.fail(ErrorCode::over_limit,
                        fmt::format("line {} is longer than {} bytes; is the file made of lines?",
                                    number_ + static_cast<std::uint64_t>(&line - out.lines.data()), longest_));
  offset_ +=
      static_cast<std::uint64_t>(out.lines.back().whole.data() + out.lines.back().whole.size() - out.bytes.data());
  number_ += out.lines.size();
  return true;
}

/// Reads on until a line ends; then the lines that are there whole make the block.
Status LineBlocks::fill(LineBlock& out) {
  std::size_t size = 0;
  for (std::uint64_t wanted = block_bytes_;; wanted *= 2) {
    const std::uint64_t there = std::min(wanted, file_.size() - offset_);
    out.bytes.resize(std::max<std::size_t>(out.bytes.size(), there + LineReader::padding));
    ATTAR_TRY(file_.read_at(offset_ + size, std::as_writable_bytes(std::span(out.bytes).subspan(size, there - size))));
    const std::string_view read(out.bytes.data(), there);
    const std::size_t stop = read.rfind('\n');
    const bool all = offset_ + there == file_.size();
    if (all || stop != std::string_view::npos) {
      cut(out, all ? there : stop + 1);
      return {};
    }
    size = there;
    // The least block that holds a line of the greatest length and its end.
    if (size > longest_ + 2)
      return file_.fail(ErrorCode::over_limit,
                        fmt::format("line {} is longer than {} bytes; is the file made of lines?", number_, longest_));
  }
}

void LineBlocks::cut(LineBlock& out, std::size_t end) const {
  const std::string_view read(out.bytes.data(), end);
  for (std::size_t at = 0; at < end && out.lines.size() < most_lines;) {
    const std::size_t stop = std::min(read.find('\n', at), end - 1) + 1;
    const std::string_view whole = read.substr(at, stop - at);
    std::string_view text = whole;
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (offset_ == 0 && at == 0 && text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    out.lines.push_back({.text = text, .whole = whole});
    at = stop;
  }
}

}  // namespace attar::data
