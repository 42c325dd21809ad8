#include "text/chunk/cohesion.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

namespace attar::text::chunking {
namespace {

constexpr std::size_t window = 3;              // atoms on each side of a seam
constexpr std::size_t longest_atom = 1 << 20;  // bytes looked at, so that sums of squares stay below 2⁶³
constexpr float unknown = 2.0F;                // more than any likeness
constexpr float strength = 4.0F;               // of a similarity of 1 against a seam's cost

std::uint32_t mixed(std::uint32_t hash) noexcept {
  hash = (hash ^ hash >> 15) * 0x85EBCA6Bu;
  return hash ^ hash >> 13;
}

// What words are made of, as is_name() has it; Han and kana, which stand for themselves, are the last.
enum class LetterKind : std::uint8_t { other, letter, capital, alone };
constexpr std::array<LetterKind, 256> letter_kinds = [] {
  std::array<LetterKind, 256> out{};
  for (std::size_t c = 0; c < out.size(); ++c) {
    const bool digit = c >= '0' && c <= '9', lower = c >= 'a' && c <= 'z';
    if (digit || lower || c == '_' || c >= 0x80) out[c] = LetterKind::letter;
    if (c >= 'A' && c <= 'Z') out[c] = LetterKind::capital;
    if (c >= 0xE3 && c <= 0xE9) out[c] = LetterKind::alone;
  }
  return out;
}();

// Appends a hash of every word, without ASCII case.
void hash_words(std::string_view text, std::vector<std::uint32_t>& out) {
  const auto kind = [&](std::size_t i) { return letter_kinds[static_cast<unsigned char>(text[i])]; };
  for (std::size_t at = 0; at < text.size();) {
    if (kind(at) == LetterKind::other) {
      ++at;
      continue;
    }
    std::uint32_t hash = 2166136261u;  // FNV-1a
    do {
      const std::uint32_t lower = kind(at) == LetterKind::capital ? 0x20 : 0;
      hash = (hash ^ (static_cast<unsigned char>(text[at]) | lower)) * 16777619u;
      ++at;
    } while (at < text.size() && (kind(at) == LetterKind::letter || kind(at) == LetterKind::capital));
    out.push_back(mixed(hash));
  }
}

bool is_weighed(const Atom& atom) noexcept {
  return !atom.held && atom.seam >= seam::paragraph && atom.seam <= seam::row;
}

// How often each word stands on one side of a seam.
struct Side {
  std::vector<std::int32_t> counts;
  std::int64_t square = 0;  // the sum of squares of counts times weights
};

class Weighing {
 public:
  Weighing(std::string_view text, std::span<Atom> atoms) : atoms_(atoms) {
    for (std::size_t i = 0; i < atoms_.size(); ++i) {
      first_.push_back(words_.size());
      const std::size_t end = i + 1 < atoms_.size() ? atoms_[i + 1].begin : text.size();
      hash_words(text.substr(atoms_[i].begin, std::min(end - atoms_[i].begin, longest_atom)), words_);
    }
    first_.push_back(words_.size());
    weigh_words();
  }

  void run() {
    std::vector<float> similar(atoms_.size(), unknown);
    double sum = 0;
    std::size_t seams = 0;
    for (std::size_t i = 0; i < window; ++i) enter(i);
    for (std::size_t i = 1; i < atoms_.size(); ++i) {
      pass(i);
      if (!is_weighed(atoms_[i])) continue;
      similar[i] = likeness();
      sum += static_cast<double>(similar[i]);
      ++seams;
    }
    const float usual = seams == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(seams));
    for (std::size_t i = 1; i < atoms_.size(); ++i) {
      if (similar[i] == unknown) continue;
      // A turn shows at the seams beside it as well; the cut should be at the turn alone.
      const bool valley = similar[i] <= similar[i - 1] && (i + 1 == atoms_.size() || similar[i] <= similar[i + 1]);
      const float change = strength * (similar[i] - usual);
      if (change > 0 || valley) atoms_[i].seam = std::min(atoms_[i].seam + change, seam::clause);
    }
  }

 private:
  [[nodiscard]] std::span<const std::uint32_t> words_of(std::size_t i) const noexcept {
    return std::span(words_).subspan(first_[i], first_[i + 1] - first_[i]);
  }

  // A word weighs the more, the fewer atoms it stands in. Words are told apart by the lower bits of their hashes.
  void weigh_words() {
    constexpr std::size_t least = 1 << 8, largest = 1 << 16;
    const std::size_t size = std::bit_ceil(std::clamp(words_.size(), least, largest));
    for (std::uint32_t& word : words_) word &= static_cast<std::uint32_t>(size - 1);
    std::vector<std::uint32_t> atoms_with(size, 0), seen_in(size, 0);
    for (std::uint32_t i = 0; i < atoms_.size(); ++i)
      for (const std::uint32_t word : words_of(i))
        if (std::exchange(seen_in[word], i + 1) != i + 1) ++atoms_with[word];
    squares_.assign(size, 0);
    const double all = static_cast<double>(atoms_.size()) + 1;
    for (std::size_t i = 0; i < size; ++i)
      if (atoms_with[i] != 0) squares_[i] = std::lround(256 * std::pow(std::log(all / atoms_with[i]), 2));
    before_.counts.assign(size, 0);
    after_.counts.assign(size, 0);
  }

  // Adds the words of an atom to a side, or takes them away (by = −1). All sums are integers, and so exact.
  void change(Side& side, const Side& other, std::size_t atom, std::int32_t by) {
    for (const std::uint32_t word : words_of(atom)) {
      std::int32_t& count = side.counts[word];
      const std::int64_t weight = squares_[word];
      side.square += weight * (2 * count * by + 1);
      product_ += weight * by * other.counts[word];
      count += by;
    }
  }

  void enter(std::size_t i) {
    if (i < atoms_.size()) change(after_, before_, i, 1);
  }

  // Moves on to the seam before atom i.
  void pass(std::size_t i) {
    change(after_, before_, i - 1, -1);
    change(before_, after_, i - 1, 1);
    if (i > window) change(before_, after_, i - 1 - window, -1);
    enter(i - 1 + window);
  }

  // The cosine of the two sides.
  [[nodiscard]] float likeness() const noexcept {
    const double lengths =
        std::sqrt(static_cast<double>(before_.square)) * std::sqrt(static_cast<double>(after_.square));
    return lengths > 0 ? static_cast<float>(static_cast<double>(product_) / lengths) : 0.0F;
  }

  std::span<Atom> atoms_;
  std::vector<std::uint32_t> words_;   // atom by atom
  std::vector<std::size_t> first_;     // of each atom's
  std::vector<std::int64_t> squares_;  // of each word's weight
  Side before_, after_;
  std::int64_t product_ = 0;  // of the two sides
};

}  // namespace

void weigh_cohesion(std::string_view text, std::span<Atom> atoms) {
  if (atoms.size() > 2) Weighing(text, atoms).run();
}

}  // namespace attar::text::chunking
