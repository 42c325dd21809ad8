#include "base/bytes.h"

#include <fmt/format.h>

namespace attar::base {

std::unexpected<Error> ByteReader::past_end(std::uint64_t wanted) const {
  return std::unexpected(Error{
      .code = ErrorCode::truncated,
      .message = fmt::format("{} more bytes or values were announced, {} bytes are left", wanted, remaining()),
      .offset = position_,
  });
}

void ByteWriter::pad_to(std::uint64_t alignment) {
  while (buffer_.size() % alignment != 0) buffer_.push_back(std::byte{0});
}

}  // namespace attar::base
