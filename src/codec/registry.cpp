#include "codec/registry.h"

#include <array>

// Declared here by name and defined in each codec's folder, so that this table includes nothing from above it.
namespace attar::vector {
const codec::Codec& tcq_codec() noexcept;
}  // namespace attar::vector

namespace attar::codec {

std::span<const Codec* const> registry() noexcept {
  static const std::array<const Codec*, 1> all = {
      &vector::tcq_codec(),
  };
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
