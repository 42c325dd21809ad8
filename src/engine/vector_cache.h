// Vectors of texts met before, by a hash of what was encoded: packing again encodes only what changed. A file beside
// the artifact that may be deleted at any time. docs/vector-cache.md has its bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"

namespace attar::engine {

class VectorCache {
 public:
  using Key = std::array<std::byte, 16>;

  /// Of vectors that an encoder with this digest (64 hexadecimal digits) makes.
  VectorCache(std::string digest, std::uint32_t dims) : digest_(std::move(digest)), dims_(dims) {}

  /// Of what is encoded, and what else the vector depends on.
  [[nodiscard]] static Key key_of(std::string_view text, std::string_view context = {});

  /// Takes in what a file holds; nothing where it is absent or holds vectors of another encoder. `corrupt`, `too_new`
  /// or `io` where it cannot be used; the cache is empty then.
  [[nodiscard]] Status load(const std::filesystem::path& path);
  /// Writes the vectors that were found or added since the start, whole or not at all.
  [[nodiscard]] Status save(const std::filesystem::path& path) const;

  /// Fills in the vector of a key; false where there is none.
  [[nodiscard]] bool find(const Key& key, std::span<float> out);
  /// Keeps a vector, and rounds it to what is kept: a vector is the same whether it was found or made.
  void add(const Key& key, std::span<float> vector);

 private:
  struct Entry {
    std::vector<std::uint16_t> halves;
    bool used = false;
  };

  std::string digest_;
  std::uint32_t dims_;
  std::map<Key, Entry> entries_;
};

}  // namespace attar::engine
