// Checksums (XXH3, for accidents) and digests (SHA-256, for identity).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace attar::base {

/// XXH3-64 of the bytes: the per-block checksum of the container.
[[nodiscard]] std::uint64_t checksum(ByteView bytes) noexcept;

/// checksum() of data that arrives in pieces.
class Checksum {
 public:
  Checksum();
  ~Checksum();
  Checksum(Checksum&&) noexcept;
  Checksum& operator=(Checksum&&) noexcept;

  void update(ByteView bytes) noexcept;
  /// Of all bytes so far.
  [[nodiscard]] std::uint64_t value() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A SHA-256 value.
struct Digest {
  std::array<std::byte, 32> bytes{};

  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;
  /// 64 hexadecimal digits.
  [[nodiscard]] std::string hex() const;
};

[[nodiscard]] Digest sha256(ByteView bytes);

/// SHA-256 of data that arrives in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(ByteView bytes);
  /// The digest of all bytes so far; the object is spent afterwards.
  [[nodiscard]] Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace attar::base
