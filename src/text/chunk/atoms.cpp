#include "text/chunk/atoms.h"

#include <algorithm>
#include <limits>

#include "text/chunk/cuts.h"

namespace attar::text::chunking {
namespace {

constexpr std::uint32_t longest_length = std::numeric_limits<std::uint32_t>::max();

class AtomMaker {
 public:
  AtomMaker(std::string_view text, bool code, const Measure& measure, std::uint32_t most)
      : text_(text), measure_(measure), most_(most), room_(most), code_(code) {}

  std::vector<Atom> make(const Outline& outline) {
    out_.reserve(outline.pieces.size());
    for (std::size_t i = 0; i < outline.pieces.size(); ++i) {
      const Piece& piece = outline.pieces[i];
      const bool last = i + 1 == outline.pieces.size();
      add(piece, last ? static_cast<std::uint32_t>(text_.size()) : outline.pieces[i + 1].begin);
    }
    hold_regions(outline.regions);
    return std::move(out_);
  }

 private:
  // A piece after a heading is held to it, and gets the room that the heading leaves.
  void add(const Piece& piece, std::uint32_t end) {
    const bool held = chain_ > 0 && (piece.heading == 0 || piece.heading > chain_level_);
    room_ = held ? most_ - chain_ : most_;
    const std::size_t first = out_.size();
    cut_clauses(piece.begin, end, piece.seam);
    out_[first].held = held && out_[first].length <= room_;
    if (piece.heading == 0 || out_.size() > first + 1) {
      chain_ = 0;
      return;
    }
    out_[first].heading = true;
    chain_ = (held ? chain_ : 0) + std::max(out_[first].length, 1u);
    chain_level_ = piece.heading;
    if (chain_ > most_ / 2) chain_ = 0;
  }

  // Whether a part fits; then it is an atom. What is much longer than any text of so many units is not measured.
  bool add_if_fits(std::uint32_t begin, std::uint32_t end, float seam) {
    constexpr std::uint64_t bytes_a_unit = 64, least = 1024;
    if (end - begin > std::max(bytes_a_unit * room_, least)) return false;
    measured_ = length(begin, end);
    if (measured_ > room_) return false;
    push(begin, measured_, seam);
    return true;
  }

  [[nodiscard]] std::uint32_t length(std::uint32_t begin, std::uint32_t end) const {
    const std::size_t found = measure_.length(text_.substr(begin, end - begin));
    return static_cast<std::uint32_t>(std::min<std::size_t>(found, longest_length));
  }

  void push(std::uint32_t begin, std::uint32_t length, float seam) {
    const bool tight = begin > 0 && !is_blank(text_[begin - 1]) && !is_blank(text_[begin]);
    out_.push_back({.begin = begin, .length = length, .seam = seam, .tight = tight});
  }

  void cut_clauses(std::uint32_t begin, std::uint32_t end, float seam) {
    if (add_if_fits(begin, end, seam)) return;
    while (begin < end) {
      const std::uint32_t next = clause_end(text_, begin, end, code_);
      if (!add_if_fits(begin, next, seam)) cut_words(begin, next, seam);
      begin = next;
      seam = seam::clause;
    }
  }

  // Several words at a time: a sixteenth of the room, as far as a unit is four bytes.
  void cut_words(std::uint32_t begin, std::uint32_t end, float seam) {
    const std::uint32_t some = std::max(room_ / 4, 1u);
    while (begin < end) {
      std::uint32_t next = begin;
      while (next < end && next - begin < some) next = word_end(text_, next, end);
      if (!add_if_fits(begin, next, seam)) cut_single_words(begin, next, seam);
      begin = next;
      seam = seam::word;
    }
  }

  void cut_single_words(std::uint32_t begin, std::uint32_t end, float seam) {
    while (begin < end) {
      const std::uint32_t next = word_end(text_, begin, end);
      if (!add_if_fits(begin, next, seam)) cut_anywhere(begin, next, seam);
      begin = next;
      seam = seam::word;
    }
  }

  void cut_anywhere(std::uint32_t begin, std::uint32_t end, float seam) {
    // Tokenizers take very long words for one unknown token; lengths of small parts say more.
    constexpr std::uint32_t longest = 64;
    std::uint32_t step = std::min(room_, longest);
    while (begin < end) {
      const std::uint32_t next = whole_code_points(text_, begin, std::min(end, begin + step));
      if (!add_if_fits(begin, next, seam)) {
        if (next != code_point_end(text_, begin)) {
          step = std::max((next - begin) / 2, 1u);
          continue;
        }
        push(begin, measured_, seam);
      }
      begin = next;
      seam = begin < end && is_mark_at(text_, begin) ? seam::inside_letter : seam::inside_word;
    }
  }

  void hold_regions(const std::vector<Region>& regions) {
    std::vector<std::uint64_t> sums(out_.size() + 1, 0);
    for (std::size_t i = 0; i < out_.size(); ++i) sums[i + 1] = sums[i] + out_[i].length;
    std::size_t first = 0, held_to = 0;
    for (const Region& region : regions) {
      while (first < out_.size() && out_[first].begin < region.begin) ++first;
      if (first < held_to) continue;
      const auto after = std::ranges::lower_bound(out_, region.end, {}, &Atom::begin);
      const auto end = static_cast<std::size_t>(after - out_.begin());
      std::size_t front = first;  // with the headings that it is held to
      while (front > 0 && front < out_.size() && out_[front].held) --front;
      if (end <= first || sums[end] - sums[front] > most_) continue;
      for (std::size_t i = first + 1; i < end; ++i) out_[i].held = true;
      held_to = end;
    }
  }

  std::string_view text_;
  const Measure& measure_;
  std::uint32_t most_, room_;  // room_: for the piece at hand
  bool code_;
  std::vector<Atom> out_;
  std::uint32_t measured_ = 0;                 // of what did not fit
  std::uint32_t chain_ = 0, chain_level_ = 0;  // length and last level of the headings before; 0: none are held
};

}  // namespace

std::vector<Atom> make_atoms(std::string_view text, bool code, const Outline& outline, const Measure& measure,
                             std::uint32_t most) {
  return AtomMaker(text, code, measure, most).make(outline);
}

}  // namespace attar::text::chunking
