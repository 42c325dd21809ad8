// Lines of a user's text file by the block, so that many threads read the lines of one block and each can be copied
// out byte for byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "data/input_file.h"

namespace attar::data {

struct LineBlock {
  struct Line {
    std::string_view text;   ///< without its end, and without the byte order mark of a file's first line
    std::string_view whole;  ///< with both: the bytes as the file has them
  };
  std::uint64_t first_number = 1;  ///< of the first line, counted from 1
  std::uint64_t offset = 0;        ///< of its first byte in the file
  std::vector<Line> lines;         ///< good until the block is filled again
  std::vector<char> bytes;         ///< LineReader::padding bytes stay readable behind every line
};

/// Lines end in LF or CRLF, the last one also at the end of the file.
class LineBlocks {
 public:
  static constexpr std::size_t most_lines = 1 << 20;  ///< of a block

  /// `file` outlives it. A line longer than `longest` bytes is `over_limit`; a block has about `block_bytes`, and one
  /// line at least.
  explicit LineBlocks(const InputFile& file, std::size_t block_bytes = 4 << 20, std::uint64_t longest = 64ULL << 20);

  /// The next lines; false after the last one.
  [[nodiscard]] Result<bool> next(LineBlock& out);

 private:
  [[nodiscard]] Status fill(LineBlock& out);
  void cut(LineBlock& out, std::size_t end) const;

  const InputFile& file_;
  std::size_t block_bytes_;
  std::uint64_t longest_;
  std::uint64_t offset_ = 0;  ///< of the next line
  std::uint64_t number_ = 1;  ///< of it
};

}  // namespace attar::data
