// When two prompts are the same to a cache: their normal form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace attar::cache {

/// Case folded, runs of blanks made one, blanks at the ends and . ! ? at the end left out.
[[nodiscard]] std::string normal_form(std::string_view prompt);

/// XXH3-64 of a normal form.
[[nodiscard]] std::uint64_t key_of(std::string_view normal) noexcept;

}  // namespace attar::cache
