// A buffer that begins at a cache line, so that a register loaded from it never crosses one.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace attar::nn {

inline constexpr std::size_t cache_line = 64;

/// Values of a trivial type, uninitialised until written.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : values_(static_cast<T*>(::operator new(size * sizeof(T), std::align_val_t{cache_line}))), size_(size) {}

  /// Room for at least `size` values; what they were is lost where the buffer grows.
  void reserve(std::size_t size) {
    if (size > size_) *this = AlignedBuffer(size);
  }
  void fill_zero() noexcept {
    if (size_ != 0) std::memset(values_.get(), 0, size_ * sizeof(T));
  }

  [[nodiscard]] T* data() noexcept { return values_.get(); }
  [[nodiscard]] const T* data() const noexcept { return values_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return values_.get()[i]; }
  const T& operator[](std::size_t i) const noexcept { return values_.get()[i]; }

 private:
  struct Free {
    void operator()(T* values) const noexcept { ::operator delete(values, std::align_val_t{cache_line}); }
  };
  std::unique_ptr<T, Free> values_;
  std::size_t size_ = 0;
};

}  // namespace attar::nn
