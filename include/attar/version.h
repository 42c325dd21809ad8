// Which Attar this is.
#pragma once

#include <string_view>

namespace attar {

/// The version of the library, "major.minor.patch".
[[nodiscard]] std::string_view version() noexcept;

/// Version, compiler, architecture and build type in one line: the "build" to which a certificate is bound. Packing is
/// deterministic for one build description, one instruction-set level and one seed.
[[nodiscard]] std::string_view build_description() noexcept;

}  // namespace attar
