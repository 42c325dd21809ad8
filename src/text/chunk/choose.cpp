#include "text/chunk/choose.h"

#include <algorithm>
#include <limits>

namespace attar::text::chunking {
namespace {

// Atoms that stay together.
struct Part {
  std::uint32_t first = 0;
  std::uint64_t length = 0;
  float seam = 0;
};

std::vector<Part> join_atoms(std::span<const Atom> atoms, std::uint32_t most) {
  const std::uint32_t small = most / 64;
  std::vector<Part> out;
  for (std::uint32_t i = 0; i < atoms.size(); ++i) {
    const Atom& atom = atoms[i];
    const bool joined =
        !out.empty() && (atom.held || (atom.seam >= seam::line && out.back().length + atom.length <= small));
    if (joined)
      out.back().length += atom.length;
    else
      out.push_back({i, atom.length, atom.seam});
  }
  return out;
}

}  // namespace

std::vector<std::uint32_t> choose_cuts(std::span<const Atom> atoms, std::uint32_t most, std::uint32_t target) {
  constexpr std::size_t most_parts = 512;  // of a chunk: bounds the time where parts are tiny
  constexpr double each = 0.15;            // what a chunk costs whatever its size
  const std::vector<Part> parts = join_atoms(atoms, most);
  std::vector<std::uint64_t> sums(parts.size() + 1, 0);
  for (std::size_t i = 0; i < parts.size(); ++i) sums[i + 1] = sums[i] + parts[i].length;

  // costs[i]: the least of parts [0, i), the seam before part i included; its last chunk begins with part from[i].
  std::vector<double> costs(parts.size() + 1, std::numeric_limits<double>::max());
  std::vector<std::uint32_t> from(parts.size() + 1, 0);
  costs[0] = 0;
  for (std::size_t end = 1; end <= parts.size(); ++end) {
    const std::size_t stop = end > most_parts ? end - most_parts : 0;
    for (std::size_t begin = end; begin-- > stop;) {
      const std::uint64_t length = sums[end] - sums[begin];
      if (length > most && begin + 1 != end) break;
      const double beside = static_cast<double>(length) / target - 1;
      const double cost = costs[begin] + beside * beside + each;
      if (cost >= costs[end]) continue;
      costs[end] = cost;
      from[end] = static_cast<std::uint32_t>(begin);
    }
    if (end < parts.size()) costs[end] += static_cast<double>(parts[end].seam);
  }

  std::vector<std::uint32_t> out;
  for (std::size_t end = parts.size(); end > 0; end = from[end]) out.push_back(parts[from[end]].first);
  std::ranges::reverse(out);
  return out;
}

}  // namespace attar::text::chunking
