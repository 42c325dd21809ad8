#include "text/wordpiece/trie.h"

#include <utility>

namespace attar::text {
namespace {

constexpr std::uint32_t first_edges = 1u << 10;

}  // namespace

Trie::Trie() : edges_(first_edges), mask_(first_edges - 1), numbers_{none} {}

void Trie::add(std::string_view text, std::uint32_t number) {
  std::uint32_t node = root;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    std::uint32_t next = step(node, byte);
    if (next == none) {
      next = static_cast<std::uint32_t>(numbers_.size());
      numbers_.push_back(none);
      if (numbers_.size() > edges_.size() / 2) grow();
      connect(node, byte, next);
    }
    node = next;
  }
  if (numbers_[node] == none) numbers_[node] = number;
}

void Trie::connect(std::uint32_t node, unsigned char byte, std::uint32_t target) {
  const std::uint32_t key = node << 8 | byte;
  std::uint32_t at = hash(key) & mask_;
  while (edges_[at].target != none) at = (at + 1) & mask_;
  edges_[at] = {key, target};
}

void Trie::grow() {
  const std::vector<Edge> old = std::exchange(edges_, std::vector<Edge>(edges_.size() * 2));
  mask_ = static_cast<std::uint32_t>(edges_.size() - 1);
  for (const Edge& edge : old)
    if (edge.target != none) connect(edge.key >> 8, static_cast<unsigned char>(edge.key & 0xff), edge.target);
}

std::uint32_t Trie::node_of(std::string_view text) const noexcept {
  std::uint32_t node = root;
  for (const char c : text) {
    node = step(node, static_cast<unsigned char>(c));
    if (node == none) return none;
  }
  return node;
}

std::optional<std::uint32_t> Trie::find(std::string_view text) const noexcept {
  const std::uint32_t node = node_of(text);
  if (node == none || number(node) == none) return std::nullopt;
  return number(node);
}

}  // namespace attar::text
