#include "format/compressed_part.h"

#include <fmt/format.h>
#include <zstd.h>

#include <utility>

namespace attar::format {
namespace {

constexpr int part_level = 9;

}  // namespace

std::vector<std::byte> compressed_part(base::ByteView bytes) {
  base::ByteWriter out;
  out.write(static_cast<std::uint64_t>(bytes.size()));
  std::vector<std::byte> frame(ZSTD_compressBound(bytes.size()));
  const std::size_t size = ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), part_level);
  out.write_bytes(base::ByteView(frame).first(ZSTD_isError(size) != 0 ? 0 : size));
  return std::move(out).release();
}

Result<std::vector<std::byte>> decompressed_part(const SectionReader& section, const OpenLimits& limits) {
  ATTAR_TRY(section.verify_all());
  base::ByteReader in(section.bytes());
  ATTAR_ASSIGN(const auto length, in.read<std::uint64_t>());
  if (length > limits.max_model_bytes)
    return fail(ErrorCode::over_limit, fmt::format("has {} bytes, more than {}", length, limits.max_model_bytes));
  ATTAR_ASSIGN(const base::ByteView frame, in.take(in.remaining()));
  // A frame announces its own length too: memory is taken for what both agree on alone.
  if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != length)
    return fail(ErrorCode::corrupt, "is not compressed as its length says");
  std::vector<std::byte> out(length);
  const std::size_t size = ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0 || size != length) return fail(ErrorCode::corrupt, "cannot be decompressed");
  return out;
}

}  // namespace attar::format
