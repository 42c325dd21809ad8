#include "text/chunk/cohesion.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

#include "text/chunk/cuts.h"

namespace attar::text::chunking {
namespace {

constexpr std::size_t window = 3;  // atoms on each side of a seam
constexpr std::size_t dims = 256;  // words fall into so many counters, with signs, so that collisions cancel out
constexpr std::size_t longest_atom = 1 << 20;  // bytes looked at, so that counters cannot overflow
constexpr float weight = 3.0F;                 // of a similarity of 1 against a seam's cost

// Integers: running sums of them stay exact.
using Counters = std::array<std::int32_t, dims>;

std::uint32_t mixed(std::uint32_t hash) noexcept {
  hash = (hash ^ hash >> 15) * 0x85EBCA6Bu;
  return hash ^ hash >> 13;
}

// Calls `use` with a hash of every word, without ASCII case; Han and kana count one by one.
template <class Use>
void each_word(std::string_view text, Use use) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto alone = [&](std::size_t i) { return byte(i) >= 0xE3 && byte(i) <= 0xE9; };
  for (std::size_t at = 0; at < text.size();) {
    if (!is_name(text[at])) {
      ++at;
      continue;
    }
    std::uint32_t hash = 2166136261u;  // FNV-1a
    do {
      const char c = text[at++];
      const bool upper = c >= 'A' && c <= 'Z';
      hash = (hash ^ (static_cast<unsigned char>(c) | (upper ? 0x20u : 0u))) * 16777619u;
    } while (at < text.size() && is_name(text[at]) && !alone(at));
    use(mixed(hash));
  }
}

bool is_weighed(const Atom& atom) noexcept {
  return !atom.held && atom.seam >= seam::paragraph && atom.seam <= seam::row;
}

float cosine(const Counters& a, const Counters& b) noexcept {
  constexpr std::size_t lanes = 8;
  std::array<float, lanes> aa{}, bb{}, ab{};
  for (std::size_t i = 0; i < dims; i += lanes)
    for (std::size_t j = 0; j < lanes; ++j) {
      const auto x = static_cast<float>(a[i + j]), y = static_cast<float>(b[i + j]);
      aa[j] += x * x;
      bb[j] += y * y;
      ab[j] += x * y;
    }
  const auto sum = [](const std::array<float, lanes>& of) {
    float out = 0;
    for (const float x : of) out += x;
    return out;
  };
  const float lengths = std::sqrt(sum(aa)) * std::sqrt(sum(bb));
  return lengths > 0 ? sum(ab) / lengths : 0.0F;
}

class Weighing {
 public:
  Weighing(std::string_view text, std::span<Atom> atoms) : text_(text), atoms_(atoms) { count_documents(); }

  void run() {
    std::vector<float> similar(atoms_.size(), 0.0F);
    double sum = 0;
    std::size_t seams = 0;
    for (std::size_t i = 0; i < window; ++i) enter(i);
    for (std::size_t i = 1; i < atoms_.size(); ++i) {
      pass(i);
      if (!is_weighed(atoms_[i])) continue;
      similar[i] = cosine(before_, after_);
      sum += static_cast<double>(similar[i]);
      ++seams;
    }
    const float usual = seams == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(seams));
    for (std::size_t i = 1; i < atoms_.size(); ++i)
      if (is_weighed(atoms_[i]))
        atoms_[i].seam = std::min(atoms_[i].seam + weight * (similar[i] - usual), seam::clause);
  }

 private:
  [[nodiscard]] std::string_view text_of(std::size_t i) const noexcept {
    const std::size_t end = i + 1 < atoms_.size() ? atoms_[i + 1].begin : text_.size();
    return text_.substr(atoms_[i].begin, std::min(end - atoms_[i].begin, longest_atom));
  }

  // In how many atoms each word stands, by the lower bits of its hash; rare ones weigh more.
  void count_documents() {
    constexpr std::size_t least = 1 << 8, largest = 1 << 16, bytes_a_word = 6;
    const std::size_t size = std::bit_ceil(std::clamp(text_.size() / bytes_a_word, least, largest));
    mask_ = static_cast<std::uint32_t>(size - 1);
    std::vector<std::uint32_t> counts(size, 0), seen_in(size, 0);
    for (std::uint32_t i = 0; i < atoms_.size(); ++i)
      each_word(text_of(i), [&](std::uint32_t hash) {
        if (std::exchange(seen_in[hash & mask_], i + 1) != i + 1) ++counts[hash & mask_];
      });
    weights_.resize(size);
    const double all = static_cast<double>(atoms_.size()) + 1;
    std::ranges::transform(counts, weights_.begin(), [&](std::uint32_t count) {
      return static_cast<std::int32_t>(std::lround(16 * std::log(all / std::max(count, 1u))));
    });
  }

  // Counts an atom's words, and adds them to what follows the seam.
  void enter(std::size_t i) {
    Counters& own = ring_[i % ring_.size()];
    own.fill(0);
    if (i >= atoms_.size()) return;
    each_word(text_of(i), [&](std::uint32_t hash) {
      const std::int32_t by = weights_[hash & mask_];
      own[hash >> 16 & (dims - 1)] += hash >> 31 != 0 ? by : -by;
    });
    for (std::size_t d = 0; d < dims; ++d) after_[d] += own[d];
  }

  // Moves on to the seam before atom i.
  void pass(std::size_t i) {
    const Counters& last = ring_[(i - 1) % ring_.size()];
    for (std::size_t d = 0; d < dims; ++d) {
      before_[d] += last[d];
      after_[d] -= last[d];
    }
    if (i > window) {
      const Counters& left = ring_[(i - 1 - window) % ring_.size()];
      for (std::size_t d = 0; d < dims; ++d) before_[d] -= left[d];
    }
    enter(i - 1 + window);
  }

  std::string_view text_;
  std::span<Atom> atoms_;
  std::uint32_t mask_ = 0;
  std::vector<std::int32_t> weights_;
  std::array<Counters, 2 * window + 1> ring_{};  // of the atoms at hand
  Counters before_{}, after_{};
};

}  // namespace

void weigh_cohesion(std::string_view text, std::span<Atom> atoms) {
  if (atoms.size() > 2) Weighing(text, atoms).run();
}

}  // namespace attar::text::chunking
