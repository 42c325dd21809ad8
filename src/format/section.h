// A section of an artifact as its reader sees it: bytes, versions, and checksums that are verified at most once a
// block.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "attar/result.h"
#include "base/bytes.h"

namespace attar::format {

/// Bytes covered by one checksum; the last block of a section may be shorter.
inline constexpr std::uint64_t block_bytes = 65'536;

/// A cheap handle; copies share the memory of verified blocks. The bytes live as long as the artifact that gave it.
class SectionReader {
 public:
  /// Bytes that need no checksum: a trial that the planner keeps in memory.
  [[nodiscard]] static SectionReader trusted(base::ByteView bytes, std::string name, std::uint32_t codec_id,
                                             std::uint16_t wire_version);
  /// `checksums` holds one XXH3-64 per block_bytes of `bytes` and outlives the handle.
  [[nodiscard]] static SectionReader checked(base::ByteView bytes, std::span<const std::byte> checksums,
                                             std::string name, std::string file, std::uint32_t codec_id,
                                             std::uint16_t wire_version);

  [[nodiscard]] base::ByteView bytes() const noexcept { return bytes_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint32_t codec_id() const noexcept { return codec_id_; }
  [[nodiscard]] std::uint16_t wire_version() const noexcept { return wire_version_; }

  /// Verifies the blocks that touch [offset, offset + length); `corrupt` names the first bad one. Thread-safe.
  [[nodiscard]] Status verify(std::uint64_t offset, std::uint64_t length) const;
  [[nodiscard]] Status verify_all() const { return verify(0, bytes_.size()); }
  /// `too_new` or `too_old` unless the section's wire version is this one.
  [[nodiscard]] Status expect_version(std::uint16_t known) const;

  /// An error that carries this section's name and file.
  [[nodiscard]] std::unexpected<Error> fail(ErrorCode code, std::string message,
                                            std::optional<std::uint64_t> offset = std::nullopt) const;

 private:
  SectionReader() = default;

  base::ByteView bytes_;
  std::span<const std::byte> checksums_;
  std::string name_;
  std::string file_;
  std::uint32_t codec_id_ = 0;
  std::uint16_t wire_version_ = 0;
  std::shared_ptr<std::atomic<std::uint64_t>[]> verified_;  // a bit per block
};

}  // namespace attar::format
