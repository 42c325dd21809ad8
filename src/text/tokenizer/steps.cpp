#include "text/tokenizer/steps.h"

#include <fmt/format.h>

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <unicode/normalizer2.h>
#include <unicode/regex.h>
#include <unicode/unistr.h>

#include "data/input_file.h"
#include "text/unicode.h"

namespace attar::text {
namespace {

// Bytes [begin, end) of a part, and whether they are a match.
struct Cut {
  std::size_t begin, end;
  bool match;
};

// Gathers the matches of a part, and what lies between them, in their order.
class Cuts {
 public:
  Cuts(std::size_t size, bool invert) : size_(size), invert_(invert) {}

  void match(std::size_t begin, std::size_t end) {
    if (begin > at_) cuts_.push_back({at_, begin, invert_});
    if (end > begin) cuts_.push_back({begin, end, !invert_});
    at_ = end;
  }
  std::vector<Cut> finish() && {
    if (at_ < size_) cuts_.push_back({at_, size_, invert_});
    return std::move(cuts_);
  }

 private:
  std::size_t size_, at_ = 0;
  bool invert_;
  std::vector<Cut> cuts_;
};

void give(std::string_view text, const std::vector<Cut>& cuts, Behavior behavior, const Parts& out) {
  std::vector<Cut> merged;
  const std::size_t count = cuts.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Cut& cut = cuts[i];
    if (behavior == Behavior::removed && cut.match) continue;
    const bool after_match = i > 0 && cuts[i - 1].match;
    const bool joins = i > 0 && (behavior == Behavior::merged_with_previous ? cut.match && !after_match
                                 : behavior == Behavior::contiguous         ? cut.match == after_match
                                 : behavior == Behavior::merged_with_next   ? after_match && !cut.match
                                                                            : false);
    if (joins)
      merged.back().end = cut.end;
    else
      merged.push_back(cut);
  }
  for (const Cut& part : merged) out(text.substr(part.begin, part.end - part.begin));
}

class Scan final : public Step {
 public:
  explicit Scan(Pattern pattern) : pattern_(pattern) {}

  void run(std::string_view text, const Parts& out) const override {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = scan_piece(pattern_, text, at);
      out(text.substr(at, end - at));
      at = end;
    }
  }

 private:
  Pattern pattern_;
};

class RegexSplit final : public Step {
 public:
  RegexSplit(std::unique_ptr<icu::RegexPattern> regex, Behavior behavior, bool invert)
      : regex_(std::move(regex)), behavior_(behavior), invert_(invert) {}

  void run(std::string_view text, const Parts& out) const override {
    if (text.size() > most_bytes) return one_by_one(text, out);
    const icu::UnicodeString units =
        icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())});
    UErrorCode error = U_ZERO_ERROR;
    const std::unique_ptr<icu::RegexMatcher> matcher(regex_->matcher(units, error));
    if (matcher == nullptr || U_FAILURE(error)) return one_by_one(text, out);
    matcher->setTimeLimit(least_time + units.length() / units_a_tick, error);
    matcher->setStackLimit(most_stack, error);
    Cuts cuts(text.size(), invert_);
    Place place;
    while (matcher->find(error) != 0 && U_SUCCESS(error)) {
      const std::size_t begin = place.move_to(units, matcher->start(error));
      cuts.match(begin, place.move_to(units, matcher->end(error)));
    }
    if (U_FAILURE(error)) return one_by_one(text, out);
    give(text, std::move(cuts).finish(), behavior_, out);
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{1} << 30;
  // Of ICU: ticks of some 10,000 steps, and bytes. A pattern of a tokenizer takes a few steps a character.
  static constexpr std::int32_t least_time = 1'000, units_a_tick = 20, most_stack = 1 << 28;

  // A place in the UTF-16 text, and the same in the UTF-8 text.
  struct Place {
    std::int32_t unit = 0;
    std::size_t byte = 0;

    std::size_t move_to(const icu::UnicodeString& units, std::int32_t target) {
      while (unit < target) {
        const UChar32 c = units.char32At(unit);
        unit += U16_LENGTH(c);
        byte += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
      }
      return byte;
    }
  };

  static void one_by_one(std::string_view text, const Parts& out) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      (void)next_code_point(text, at);
      out(text.substr(begin, at - begin));
    }
  }

  std::unique_ptr<icu::RegexPattern> regex_;
  Behavior behavior_;
  bool invert_;
};

class StringSplit final : public Step {
 public:
  StringSplit(std::string_view separator, Behavior behavior, bool invert)
      : separator_(separator), behavior_(behavior), invert_(invert) {}

  void run(std::string_view text, const Parts& out) const override {
    Cuts cuts(text.size(), invert_);
    for (std::size_t at = text.find(separator_); at != std::string_view::npos;
         at = text.find(separator_, at + separator_.size()))
      cuts.match(at, at + separator_.size());
    give(text, std::move(cuts).finish(), behavior_, out);
  }

 private:
  std::string separator_;
  Behavior behavior_;
  bool invert_;
};

class Digits final : public Step {
 public:
  explicit Digits(bool one_by_one) : behavior_(one_by_one ? Behavior::isolated : Behavior::contiguous) {}

  void run(std::string_view text, const Parts& out) const override {
    Cuts cuts(text.size(), false);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      if (piece_kind(next_code_point(text, at)) == PieceKind::number) cuts.match(begin, at);
    }
    give(text, std::move(cuts).finish(), behavior_, out);
  }

 private:
  Behavior behavior_;
};

class Normalized final : public Step {
 public:
  explicit Normalized(const icu::Normalizer2& form) : form_(form) {}

  // In stretches, for ICU counts bytes in 32 bits; a stretch ends at a line end, which nothing is composed across.
  void run(std::string_view text, const Parts& out) const override {
    std::string made;
    made.reserve(text.size());
    icu::StringByteSink<std::string> sink(&made);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n', std::min(stretch, text.size())), text.size());
      const std::string_view now = text.substr(0, std::min(end, most_bytes));
      UErrorCode error = U_ZERO_ERROR;
      form_.normalizeUTF8(0, {now.data(), static_cast<std::int32_t>(now.size())}, sink, nullptr, error);
      if (U_FAILURE(error)) made.append(now);
      text.remove_prefix(now.size());
    }
    out(made);
  }

 private:
  static constexpr std::size_t stretch = std::size_t{1} << 16, most_bytes = std::size_t{1} << 30;
  const icu::Normalizer2& form_;
};

class Replace final : public Step {
 public:
  Replace(std::string_view what, std::string_view by) : what_(what), by_(by) {}

  void run(std::string_view text, const Parts& out) const override {
    std::string made;
    made.reserve(text.size() + text.size() / 4);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t found = std::min(text.find(what_, at), text.size());
      made.append(text.substr(at, found - at));
      if (found < text.size()) made.append(by_);
      at = found + what_.size();
    }
    if (!made.empty()) out(made);
  }

 private:
  std::string what_, by_;
};

class Prepend final : public Step {
 public:
  Prepend(std::string_view prefix, bool only_where_missing) : prefix_(prefix), missing_(only_where_missing) {}

  void run(std::string_view text, const Parts& out) const override {
    if (missing_ && text.starts_with(prefix_)) return out(text);
    out(prefix_ + std::string(text));
  }

 private:
  std::string prefix_;
  bool missing_;
};

// ICU's \s is another set than White_Space, its \h another than that of the files' library, and lines begin elsewhere.
Result<std::string> for_icu(std::string_view regex) {
  std::string out;
  int depth = 0;  // of brackets
  for (std::size_t i = 0; i < regex.size(); ++i) {
    const char c = regex[i];
    if (c == '\\' && i + 1 < regex.size()) {
      const char next = regex[++i];
      if (next == 'h' || next == 'H')
        return fail(ErrorCode::unsupported, fmt::format("\\{} is not read in patterns", next));
      out += next == 's' ? "\\p{White_Space}" : next == 'S' ? "\\P{White_Space}" : std::string{c, next};
      continue;
    }
    if (c == '[') ++depth;
    if (c == ']' && depth > 0) --depth;
    if (depth == 0 && (c == '^' || c == '$'))
      return fail(ErrorCode::unsupported, fmt::format("{} is not read in patterns", c));
    out.push_back(c);
  }
  return out;
}

}  // namespace

StepPointer make_scan(Pattern pattern) { return std::make_unique<Scan>(pattern); }

Result<StepPointer> make_regex_split(std::string_view regex, Behavior behavior, bool invert) {
  const std::optional<Pattern> known = pattern_of_regex(regex);
  if (known && (behavior == Behavior::isolated || (behavior == Behavior::removed && invert)))
    return std::make_unique<Scan>(*known);
  ATTAR_ASSIGN(const std::string own, for_icu(regex));
  UErrorCode error = U_ZERO_ERROR;
  UParseError place;
  std::unique_ptr<icu::RegexPattern> made(icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(own), place, error));
  if (U_FAILURE(error) || made == nullptr)
    return fail(ErrorCode::unsupported, fmt::format("the pattern {} is not read: {} at its character {}",
                                                    data::in_quotes(own), u_errorName(error), place.offset));
  return std::make_unique<RegexSplit>(std::move(made), behavior, invert);
}

StepPointer make_string_split(std::string_view separator, Behavior behavior, bool invert) {
  return std::make_unique<StringSplit>(separator, behavior, invert);
}

StepPointer make_digits(bool one_by_one) { return std::make_unique<Digits>(one_by_one); }

Result<StepPointer> make_form(Form form) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* found = nullptr;
  switch (form) {
    case Form::nfc: found = icu::Normalizer2::getNFCInstance(error); break;
    case Form::nfd: found = icu::Normalizer2::getNFDInstance(error); break;
    case Form::nfkc: found = icu::Normalizer2::getNFKCInstance(error); break;
    case Form::nfkd: found = icu::Normalizer2::getNFKDInstance(error); break;
  }
  if (U_FAILURE(error) || found == nullptr)
    return fail(ErrorCode::unsupported, "ICU's data of normal forms are missing; install libicu with its data");
  return std::make_unique<Normalized>(*found);
}

StepPointer make_replace(std::string_view what, std::string_view by) { return std::make_unique<Replace>(what, by); }

StepPointer make_prepend(std::string_view prefix, bool only_where_missing) {
  return std::make_unique<Prepend>(prefix, only_where_missing);
}

void run_steps(std::span<const StepPointer> steps, std::string_view text, const Parts& out) {
  if (steps.empty()) return out(text);
  if (steps.size() == 1) return steps[0]->run(text, out);
  steps[0]->run(text, [&](std::string_view part) { run_steps(steps.subspan(1), part, out); });
}

}  // namespace attar::text
