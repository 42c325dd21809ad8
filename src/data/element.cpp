#include "data/element.h"

#include <cstring>

#include "base/half.h"

namespace attar::data {
namespace {

template <class T>
void widen_as(const std::byte* from, std::span<float> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(base::load<T>(from + i * sizeof(T)));
}

void widen_half(const std::byte* from, std::span<float> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = base::half_to_float(base::load<std::uint16_t>(from + i * sizeof(std::uint16_t)));
}

}  // namespace

std::string_view element_name(ElementType type) noexcept {
  switch (type) {
    case ElementType::f16: return "f16";
    case ElementType::f32: return "f32";
    case ElementType::f64: return "f64";
    case ElementType::i8: return "i8";
    case ElementType::u8: return "u8";
    case ElementType::i32: return "i32";
  }
  return "unknown";
}

void widen(ElementType type, const std::byte* from, std::span<float> out) noexcept {
  switch (type) {
    case ElementType::f16: return widen_half(from, out);
    case ElementType::f32: std::memcpy(out.data(), from, out.size_bytes()); return;
    case ElementType::f64: return widen_as<double>(from, out);
    case ElementType::i8: return widen_as<std::int8_t>(from, out);
    case ElementType::u8: return widen_as<std::uint8_t>(from, out);
    case ElementType::i32: return widen_as<std::int32_t>(from, out);
  }
}

}  // namespace attar::data
