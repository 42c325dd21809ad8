// Little-endian byte cursors: ByteReader checks every read, ByteWriter appends.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "attar/result.h"

namespace attar::base {

static_assert(std::endian::native == std::endian::little, "Attar's kernels assume a little-endian machine");

using ByteView = std::span<const std::byte>;

template <class T>
concept Scalar = std::is_arithmetic_v<T>;

/// Reads a value at `from`; the caller has checked that sizeof(T) bytes are there. No alignment needed.
template <Scalar T>
[[nodiscard]] T load(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <Scalar T>
void store(std::byte* to, T value) noexcept {
  std::memcpy(to, &value, sizeof(T));
}

/// A cursor over untrusted bytes. Every read fails with `truncated` instead of passing the end.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) noexcept : bytes_(bytes) {}

  template <Scalar T>
  [[nodiscard]] Result<T> read() {
    if (remaining() < sizeof(T)) return past_end(sizeof(T));
    T value = load<T>(bytes_.data() + position_);
    position_ += sizeof(T);
    return value;
  }

  /// The next `count` bytes, without copying.
  [[nodiscard]] Result<ByteView> take(std::uint64_t count) {
    if (remaining() < count) return past_end(count);
    ByteView out = bytes_.subspan(position_, count);
    position_ += count;
    return out;
  }

  /// `count` values of T, copied out; checks the size before it allocates.
  template <Scalar T>
  [[nodiscard]] Result<std::vector<T>> read_array(std::uint64_t count) {
    if (count > remaining() / sizeof(T)) return past_end(count);
    std::vector<T> out(count);
    if (count != 0) std::memcpy(out.data(), bytes_.data() + position_, count * sizeof(T));
    position_ += count * sizeof(T);
    return out;
  }

  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  [[nodiscard]] std::uint64_t remaining() const noexcept { return bytes_.size() - position_; }

 private:
  [[nodiscard]] std::unexpected<Error> past_end(std::uint64_t wanted) const;

  ByteView bytes_;
  std::uint64_t position_ = 0;
};

/// Appends values to a buffer in the byte order of the format.
class ByteWriter {
 public:
  template <Scalar T>
  void write(T value) {
    const std::size_t at = buffer_.size();
    buffer_.resize(at + sizeof(T));
    store(buffer_.data() + at, value);
  }
  template <Scalar T>
  void write_array(std::span<const T> values) {
    write_bytes(std::as_bytes(values));
  }
  void write_bytes(ByteView bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  void write_text(std::string_view text) { write_bytes(std::as_bytes(std::span(text.data(), text.size()))); }
  /// Appends zero bytes until the size is a multiple of `alignment`.
  void pad_to(std::uint64_t alignment);

  [[nodiscard]] ByteView bytes() const noexcept { return buffer_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return buffer_.size(); }
  [[nodiscard]] std::vector<std::byte> release() && { return std::move(buffer_); }

 private:
  std::vector<std::byte> buffer_;
};

[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Where a codec's bytes go: a section of a file being written, or memory in tests and trials.
class Sink {
 public:
  virtual ~Sink() = default;
  [[nodiscard]] virtual Status write(ByteView bytes) = 0;
};

/// A Sink that keeps everything in memory.
class MemorySink final : public Sink {
 public:
  [[nodiscard]] Status write(ByteView bytes) override {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return {};
  }
  [[nodiscard]] ByteView bytes() const noexcept { return buffer_; }
  [[nodiscard]] std::vector<std::byte> release() && { return std::move(buffer_); }

 private:
  std::vector<std::byte> buffer_;
};

}  // namespace attar::base
