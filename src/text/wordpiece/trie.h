// A set of byte strings with numbers, walked byte by byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace attar::text {

/// Edges lie in one table with open addressing: a step is one look at memory most of the time.
class Trie {
 public:
  static constexpr std::uint32_t root = 0;
  static constexpr std::uint32_t none = 0xffff'ffff;

  Trie();
  /// A string that is there keeps its number. At most 2²⁴ − 1 nodes may come of all strings together; the caller sees
  /// to it.
  void add(std::string_view text, std::uint32_t number);

  /// The node that a byte leads to; none.
  [[nodiscard]] std::uint32_t step(std::uint32_t node, unsigned char byte) const noexcept {
    const std::uint32_t key = node << 8 | byte;
    for (std::uint32_t at = hash(key) & mask_;; at = (at + 1) & mask_) {
      if (edges_[at].key == key && edges_[at].target != none) return edges_[at].target;
      if (edges_[at].target == none) return none;
    }
  }
  /// The number of the string that ends at a node; none.
  [[nodiscard]] std::uint32_t number(std::uint32_t node) const noexcept { return numbers_[node]; }
  /// The node of a string; none.
  [[nodiscard]] std::uint32_t node_of(std::string_view text) const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view text) const noexcept;

 private:
  struct Edge {
    std::uint32_t key = 0;  // node · 256 + byte
    std::uint32_t target = none;
  };

  [[nodiscard]] static std::uint32_t hash(std::uint32_t key) noexcept { return key * 0x9E3779B1u >> 8 ^ key >> 3; }
  void connect(std::uint32_t node, unsigned char byte, std::uint32_t target);
  void grow();

  std::vector<Edge> edges_;
  std::uint32_t mask_ = 0;
  std::vector<std::uint32_t> numbers_;  // by node
};

}  // namespace attar::text
