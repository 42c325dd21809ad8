// How much a text is like a target, by compression. spec.md has the formula.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "attar/result.h"

namespace attar::text {

/// The most of a target that is used, and of a text that is read, in bytes.
inline constexpr std::size_t most_target = 1 << 20, most_read = 1 << 17;

/// A target, made ready. Const and safe to use from many threads.
class LikenessTarget {
 public:
  /// `texts`: joined by line feeds, at most `most_target` bytes. `over_limit` where zstd has no memory.
  [[nodiscard]] static Result<LikenessTarget> make(std::string_view texts);

 private:
  friend class Likeness;
  struct Free {
    void operator()(void* dictionary) const noexcept;
  };
  std::unique_ptr<void, Free> dictionary_;
};

/// Compares texts with a target, which outlives it. For one thread.
class Likeness {
 public:
  [[nodiscard]] static Result<Likeness> make(const LikenessTarget& target);

  /// The distance, above 0; about 1 where the target says nothing of the text. `over_limit` where zstd has no memory.
  [[nodiscard]] Result<double> distance(std::string_view text);

 private:
  struct Free {
    void operator()(void* context) const noexcept;
  };
  using Context = std::unique_ptr<void, Free>;

  [[nodiscard]] static Result<Context> make_context(const void* dictionary);
  [[nodiscard]] Result<std::size_t> size_by(const Context& context, std::string_view text);

  Context alone_, given_;
  std::string buffer_;
};

}  // namespace attar::text
