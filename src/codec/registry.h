// All codecs of this build, one row each. A row alone gives a codec its round-trip, corruption, version and fuzz tests.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "codec/codec.h"

namespace attar::codec {

/// In the order in which the planner tries them.
[[nodiscard]] std::span<const Codec* const> registry() noexcept;

/// Null when this build has no codec of that id or name.
[[nodiscard]] const Codec* find_codec(std::uint32_t id) noexcept;
[[nodiscard]] const Codec* find_codec(std::string_view name) noexcept;

}  // namespace attar::codec
