#include "text/windows/best_fit.h"

#include <algorithm>
#include <bit>

namespace attar::text {
namespace {

constexpr std::uint32_t no_window = ~std::uint32_t{0};

/// A set of numbers in [0, size), as a tree with 64 children a node.
class NumberSet {
 public:
  explicit NumberSet(std::size_t size) {
    do {
      size = (size + 63) / 64;
      levels_.emplace_back(size);
    } while (size > 1);
  }
  void add(std::size_t number) noexcept {
    for (auto& level : levels_) {
      level[number / 64] |= std::uint64_t{1} << (number % 64);
      number /= 64;
    }
  }
  void remove(std::size_t number) noexcept {
    for (auto& level : levels_) {
      level[number / 64] &= ~(std::uint64_t{1} << (number % 64));
      if (level[number / 64] != 0) return;
      number /= 64;
    }
  }
  /// The least member ≥ number; `no_window` where there is no_window.
  [[nodiscard]] std::uint32_t at_least(std::size_t number) const noexcept {
    std::size_t height = 0;
    for (;; ++height) {
      if (height == levels_.size() || number / 64 >= levels_[height].size()) return no_window;
      const std::uint64_t rest = levels_[height][number / 64] >> (number % 64);
      if (rest != 0) {
        number += static_cast<std::size_t>(std::countr_zero(rest));
        break;
      }
      number = number / 64 + 1;
    }
    while (height-- > 0) number = 64 * number + static_cast<std::size_t>(std::countr_zero(levels_[height][number]));
    return static_cast<std::uint32_t>(number);
  }

 private:
  std::vector<std::vector<std::uint64_t>> levels_;
};

/// Numbers of documents by falling size, equal ones in their order.
std::vector<std::uint32_t> falling(std::span<const std::uint32_t> sizes, std::uint32_t capacity) {
  std::vector<std::uint32_t> places(std::size_t{capacity} + 2), out(sizes.size());
  for (const std::uint32_t size : sizes) ++places[capacity - size + 1];
  for (std::size_t i = 1; i < places.size(); ++i) places[i] += places[i - 1];
  for (std::uint32_t i = 0; i < sizes.size(); ++i) out[places[capacity - sizes[i]]++] = i;
  return out;
}

void number_by_first(WindowPlan& plan) {
  std::vector<std::uint32_t> numbers(plan.windows, no_window);
  std::uint32_t next = 0;
  for (std::uint32_t& window : plan.window_of) {
    if (numbers[window] == no_window) numbers[window] = next++;
    window = numbers[window];
  }
}

}  // namespace

WindowPlan best_fit_decreasing(std::span<const std::uint32_t> sizes, std::uint32_t capacity) {
  WindowPlan out{.windows = 0, .window_of = std::vector<std::uint32_t>(sizes.size())};
  NumberSet spaces(std::size_t{capacity} + 1);                             // that some window has
  std::vector<std::uint32_t> heads(std::size_t{capacity} + 1, no_window);  // by space: the window that got it last
  std::vector<std::uint32_t> others;                                       // by window: the next of the same space
  for (const std::uint32_t document : falling(sizes, capacity)) {
    const std::uint32_t size = sizes[document];
    std::uint32_t space = spaces.at_least(size), window = out.windows;
    if (space == no_window) {
      space = capacity;
      others.push_back(no_window);
      ++out.windows;
    } else {
      window = heads[space];
      heads[space] = others[window];
      if (heads[space] == no_window) spaces.remove(space);
    }
    const std::uint32_t left = space - size;
    out.window_of[document] = window;
    others[window] = heads[left];
    heads[left] = window;
    spaces.add(left);
  }
  number_by_first(out);
  return out;
}

std::uint32_t first_fit_windows(std::span<const std::uint32_t> sizes, std::uint32_t capacity) {
  const std::size_t leaves = std::bit_ceil(std::max<std::size_t>(sizes.size(), 1));
  std::vector<std::uint32_t> most(2 * leaves, capacity);  // free space, the largest below a node
  std::size_t windows = 0;
  for (const std::uint32_t size : sizes) {
    std::size_t node = 1;
    while (node < leaves) node = most[2 * node] >= size ? 2 * node : 2 * node + 1;
    windows = std::max(windows, node - leaves + 1);
    most[node] -= size;
    for (node /= 2; node > 0; node /= 2) most[node] = std::max(most[2 * node], most[2 * node + 1]);
  }
  return static_cast<std::uint32_t>(windows);
}

Concatenation concatenate_and_cut(std::span<const std::uint32_t> sizes, std::uint32_t capacity) {
  Concatenation out;
  std::uint64_t end = 0;
  for (const std::uint32_t size : sizes) {
    const std::uint64_t begin = end;
    end += size;
    if (size != 0 && begin / capacity != (end - 1) / capacity) ++out.cut;
  }
  out.windows = (end + capacity - 1) / capacity;
  return out;
}

}  // namespace attar::text
