// Lines of a user's text file, streamed through a bounded buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "data/input_file.h"

namespace attar::data {

/// Lines end in LF or CRLF, the last one also at the end of the file; a byte order mark in front is skipped.
class LineReader {
 public:
  /// Bytes after a line that may be read (not written), as simdjson does.
  static constexpr std::size_t padding = 64;

  /// `file` outlives the reader. A line longer than `longest` bytes is `over_limit`.
  LineReader(const InputFile& file, std::uint64_t longest);

  /// The next line without its end, valid until the next call; nothing after the last one. After `over_limit` the next
  /// call gives the line behind the long one.
  [[nodiscard]] Result<std::optional<std::string_view>> next();

  /// Number of the line that next() gave last, counted from 1.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

  /// Bytes of the file read so far, those of the buffer among them.
  [[nodiscard]] std::uint64_t position() const noexcept { return offset_; }

  /// An error about the present line: "line 3 …".
  [[nodiscard]] std::unexpected<Error> fail(ErrorCode code, std::string_view message) const;

 private:
  [[nodiscard]] Status refill();
  [[nodiscard]] Status skip_line();

  const InputFile& file_;
  std::uint64_t longest_;
  std::uint64_t offset_ = 0;  ///< of the next byte to read
  std::uint64_t number_ = 0;
  bool too_long_ = false;     ///< the rest of a line that was too long is still to be skipped
  std::vector<char> buffer_;  ///< unread bytes are [begin_, end_); `padding` bytes stay free behind end_
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// True for a line of spaces and tabs only.
[[nodiscard]] bool is_blank(std::string_view line) noexcept;

}  // namespace attar::data
