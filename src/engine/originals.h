// Originals kept beside the codes: which kinds there are, and how they are coded before a plan is chosen.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "attar/result.h"
#include "plan/trial.h"

namespace attar::engine {

/// Rows one by one, in a codec whose codes need no neighbours.
struct OriginalsKind {
  std::string_view name;   ///< as users type it
  std::string_view codec;  ///< its name in the registry
  std::string_view param;  ///< of the codec's options, the one with this parameter; empty: the only one
  std::int64_t value = 0;
};

[[nodiscard]] std::span<const OriginalsKind> originals_kinds() noexcept;
/// Null where no kind is called so.
[[nodiscard]] const OriginalsKind* find_originals_kind(std::string_view name) noexcept;
/// The name of what a section of this codec holds; empty where it holds no originals.
[[nodiscard]] std::string_view originals_name(std::string_view codec) noexcept;

/// Codes every row of `base`, in memory or in a scratch file.
[[nodiscard]] Result<std::shared_ptr<const plan::Trial>> encode_originals(const OriginalsKind& kind,
                                                                          const data::VectorSource& base, Metric metric,
                                                                          std::uint64_t memory_bytes,
                                                                          std::uint64_t seed, base::ThreadPool& pool,
                                                                          Progress& progress);

}  // namespace attar::engine
