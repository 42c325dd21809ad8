#include "codec/registry.h"

#include <algorithm>
#include <array>

namespace attar::codec {

std::span<const Codec* const> registry() noexcept {
  static const std::array<const Codec*, 0> all = {};
  return all;
}

const Codec* find_codec(std::uint32_t id) noexcept {
  for (const Codec* codec : registry())
    if (codec->info().id == id) return codec;
  return nullptr;
}

const Codec* find_codec(std::string_view name) noexcept {
  for (const Codec* codec : registry())
    if (codec->info().name == name) return codec;
  return nullptr;
}

}  // namespace attar::codec
