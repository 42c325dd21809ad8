#include "codec/registry.h"

#include <fmt/format.h>

#include <array>

// Declared here by name and defined in each codec's folder, so that this table includes nothing from above it.
namespace attar::vector {
const codec::Codec& tcq_codec() noexcept;
const codec::Codec& opq_codec() noexcept;
const codec::Codec& lvq_codec() noexcept;
const codec::Codec& rbin_codec() noexcept;
const codec::Codec& f8_codec() noexcept;
const codec::Codec& f16_codec() noexcept;
const codec::Codec& f32_codec() noexcept;
const codec::Codec& esq_codec() noexcept;
}  // namespace attar::vector

namespace attar::codec {

Status check_wire_version(const CodecInfo& info, std::uint16_t version) {
  if (version > info.wire_max)
    return fail(ErrorCode::too_new,
                fmt::format("has wire version {} of codec {}; this build reads up to {}: use a newer Attar", version,
                            info.name, info.wire_max));
  if (version < info.wire_min)
    return fail(ErrorCode::too_old, fmt::format("has wire version {} of codec {}; this build reads {} and later",
                                                version, info.name, info.wire_min));
  return {};
}

std::span<const Codec* const> registry() noexcept {
  static const std::array<const Codec*, 8> all = {
      &vector::tcq_codec(), &vector::opq_codec(), &vector::lvq_codec(), &vector::rbin_codec(),
      &vector::f8_codec(),  &vector::f16_codec(), &vector::f32_codec(), &vector::esq_codec(),
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
