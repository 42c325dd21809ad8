#include "format/section.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "base/hash.h"

namespace attar::format {

SectionReader SectionReader::trusted(base::ByteView bytes, std::string name, std::uint32_t codec_id,
                                     std::uint16_t wire_version) {
  SectionReader out;
  out.bytes_ = bytes;
  out.name_ = std::move(name);
  out.codec_id_ = codec_id;
  out.wire_version_ = wire_version;
  return out;
}

SectionReader SectionReader::checked(base::ByteView bytes, std::span<const std::byte> checksums, std::string name,
                                     std::string file, std::uint32_t codec_id, std::uint16_t wire_version) {
  SectionReader out = trusted(bytes, std::move(name), codec_id, wire_version);
  out.checksums_ = checksums;
  out.file_ = std::move(file);
  const std::uint64_t blocks = base::ceil_div(bytes.size(), block_bytes);
  out.verified_.reset(new std::atomic<std::uint64_t>[base::ceil_div(blocks, 64)]());  // make_shared<T[]> wants copies
  return out;
}

Status SectionReader::verify(std::uint64_t offset, std::uint64_t length) const {
  if (offset > bytes_.size() || length > bytes_.size() - offset)
    return fail(ErrorCode::truncated, "a range to verify passes the end of the section", offset);
  if (verified_ == nullptr || length == 0) return {};
  const std::uint64_t last = (offset + length - 1) / block_bytes;
  for (std::uint64_t block = offset / block_bytes; block <= last; ++block) {
    const std::uint64_t bit = std::uint64_t{1} << (block % 64);
    if ((verified_[block / 64].load(std::memory_order_relaxed) & bit) != 0) continue;
    const std::uint64_t start = block * block_bytes;
    const auto part = bytes_.subspan(start, std::min(block_bytes, bytes_.size() - start));
    if (base::checksum(part) != base::load<std::uint64_t>(checksums_.data() + block * 8))
      return fail(ErrorCode::corrupt, fmt::format("the checksum of block {} does not match", block), start);
    verified_[block / 64].fetch_or(bit, std::memory_order_relaxed);
  }
  return {};
}

Status SectionReader::expect_version(std::uint16_t known) const {
  if (wire_version_ == known) return {};
  const bool newer = wire_version_ > known;
  return fail(newer ? ErrorCode::too_new : ErrorCode::too_old,
              fmt::format("wire version {}, this build reads {}; {}", wire_version_, known,
                          newer ? "update Attar" : "pack the data anew"));
}

std::unexpected<Error> SectionReader::fail(ErrorCode code, std::string message,
                                           std::optional<std::uint64_t> offset) const {
  return std::unexpected(
      Error{.code = code, .message = std::move(message), .file = file_, .section = name_, .offset = offset});
}

}  // namespace attar::format
