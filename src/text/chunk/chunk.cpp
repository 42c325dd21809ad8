#include "text/chunk/chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "text/chunk/atoms.h"
#include "text/chunk/choose.h"
#include "text/chunk/cohesion.h"
#include "text/chunk/cuts.h"
#include "text/chunk/outline.h"

namespace attar::text {
namespace {

using chunking::Atom;
using chunking::Outline;
using chunking::Scope;

constexpr std::size_t longest_text = 0xffff'0000;  // places have 32 bits, with room beyond the last

Status check(std::string_view text, const ChunkOptions& options, const Measure& measure) {
  if (options.most == 0) return fail(ErrorCode::invalid_argument, "chunks of at most 0 hold nothing; say 1 or more");
  if (options.target > options.most)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("the target of {} is beyond the most that a chunk may have, {}", options.target, options.most));
  if (!measure.length) return fail(ErrorCode::invalid_argument, "the measure of chunks has no function");
  if (text.size() >= longest_text)
    return fail(
        ErrorCode::over_limit,
        fmt::format("a text of {} bytes is too long to be cut; cut files of less than {}", text.size(), longest_text));
  return {};
}

Outline make_outline(std::string_view text, Syntax syntax) {
  switch (syntax) {
    case Syntax::plain: return chunking::outline_prose(text, false);
    case Syntax::markdown: return chunking::outline_prose(text, true);
    case Syntax::braces: return chunking::outline_braces(text);
    case Syntax::indentation: return chunking::outline_indentation(text);
  }
  return {};
}

// Chunks whose length may be more than their atoms' sum are measured, and halved until they fit.
class Verifier {
 public:
  Verifier(std::string_view text, const std::vector<Atom>& atoms, const Measure& measure, std::uint32_t most)
      : text_(text), atoms_(atoms), measure_(measure), most_(most) {}

  [[nodiscard]] std::vector<std::uint32_t> verify(const std::vector<std::uint32_t>& cuts) const {
    if (measure_.joins == Joins::anywhere) return cuts;
    std::vector<std::uint32_t> out, ends;
    for (std::size_t i = 0; i < cuts.size(); ++i) {
      std::uint32_t begin = cuts[i];
      ends.push_back(i + 1 < cuts.size() ? cuts[i + 1] : static_cast<std::uint32_t>(atoms_.size()));
      while (!ends.empty()) {
        if (!fits(begin, ends.back())) {
          ends.push_back(best_cut(begin, ends.back()));
          continue;
        }
        out.push_back(begin);
        begin = ends.back();
        ends.pop_back();
      }
    }
    return out;
  }

 private:
  [[nodiscard]] bool fits(std::uint32_t begin, std::uint32_t end) const {
    const std::span<const Atom> inner = std::span(atoms_).subspan(begin + 1, end - begin - 1);
    const bool sure = measure_.joins == Joins::at_spaces && std::ranges::none_of(inner, &Atom::tight);
    if (inner.empty() || sure) return true;
    const std::size_t last = end < atoms_.size() ? atoms_[end].begin : text_.size();
    return measure_.length(text_.substr(atoms_[begin].begin, last - atoms_[begin].begin)) <= most_;
  }

  // A seam that costs little and is not far from the middle. There are two atoms or more.
  [[nodiscard]] std::uint32_t best_cut(std::uint32_t begin, std::uint32_t end) const {
    std::uint32_t best = begin + 1;
    double least = std::numeric_limits<double>::max();
    for (std::uint32_t i = begin + 1; i < end; ++i) {
      const double middle = static_cast<double>(2 * (i - begin)) / (end - begin) - 1;
      const double cost =
          4 * std::abs(middle) + static_cast<double>(atoms_[i].held ? chunking::seam::inside_word : atoms_[i].seam);
      if (cost < least) {
        least = cost;
        best = i;
      }
    }
    return best;
  }

  std::string_view text_;
  const std::vector<Atom>& atoms_;
  const Measure& measure_;
  std::uint32_t most_;
};

// The headings over one place after another.
class Headings {
 public:
  explicit Headings(const std::vector<Scope>& scopes) : scopes_(scopes) {}

  // Places must not fall.
  [[nodiscard]] std::vector<Heading> over(std::uint32_t place) {
    for (; next_ < scopes_.size() && scopes_[next_].begin <= place; ++next_) {
      close(scopes_[next_].begin);
      open_.push_back(&scopes_[next_]);
    }
    close(place);
    std::vector<Heading> out;
    out.reserve(open_.size());
    for (const Scope* scope : open_) out.push_back(scope->heading);
    return out;
  }

 private:
  void close(std::uint32_t place) {
    while (!open_.empty() && open_.back()->end <= place) open_.pop_back();
  }

  const std::vector<Scope>& scopes_;
  std::size_t next_ = 0;
  std::vector<const Scope*> open_;
};

std::vector<Chunk> make_chunks(std::string_view text, const std::vector<Atom>& atoms,
                               const std::vector<std::uint32_t>& cuts, const std::vector<Scope>& scopes) {
  Headings headings(scopes);
  std::vector<Chunk> out(cuts.size());
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const std::size_t end = i + 1 < cuts.size() ? cuts[i + 1] : atoms.size();
    std::size_t first = cuts[i];  // the first text that is no heading
    while (first + 1 < end && atoms[first].heading) ++first;
    out[i] = {atoms[cuts[i]].begin, end < atoms.size() ? atoms[end].begin : text.size(),
              headings.over(atoms[first].begin)};
  }
  return out;
}

}  // namespace

Measure in_bytes() {
  return {[](std::string_view text) { return text.size(); }, Joins::anywhere};
}

Measure in_code_points() {
  const auto count = [](std::string_view text) {
    std::size_t out = 0;
    for (std::uint32_t at = 0; at < text.size(); ++out) at = chunking::code_point_end(text, at);
    return out;
  };
  return {count, Joins::anywhere};
}

Measure in_tokens(const WordPiece& tokenizer) {
  const auto count = [&tokenizer, tokens = std::vector<Token>()](std::string_view text) mutable {
    tokens.clear();
    tokenizer.tokenize(text, std::numeric_limits<std::size_t>::max(), tokens);
    return tokens.size();
  };
  return {count, Joins::at_spaces};
}

Result<std::vector<Chunk>> chunk(std::string_view text, Syntax syntax, const ChunkOptions& options,
                                 const Measure& measure) {
  ATTAR_TRY(check(text, options, measure));
  if (text.empty()) return std::vector<Chunk>();
  constexpr std::size_t largest = std::numeric_limits<std::uint32_t>::max();
  const auto most = static_cast<std::uint32_t>(std::min(options.most, largest));
  const auto target =
      static_cast<std::uint32_t>(std::min(options.target == 0 ? options.most : options.target, largest));
  const Outline outline = make_outline(text, syntax);
  const bool code = syntax == Syntax::braces || syntax == Syntax::indentation;
  std::vector<Atom> atoms = chunking::make_atoms(text, code, outline, measure, most);
  if (!code) chunking::weigh_cohesion(text, atoms);
  const std::vector<std::uint32_t> cuts = chunking::choose_cuts(atoms, most, target);
  return make_chunks(text, atoms, Verifier(text, atoms, measure, most).verify(cuts), outline.scopes);
}

}  // namespace attar::text
