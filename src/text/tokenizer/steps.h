// What is done to a text before a model counts its parts: normalizers and pre-tokenizers. spec.md has their rules.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "attar/result.h"
#include "text/tokenizer/scan.h"

namespace attar::text {

/// Takes the parts of a text in their order. A part lives until the call returns.
using Parts = std::function<void(std::string_view)>;

/// One step: a part in, its parts out, none of them empty. UTF-8 in and out. Const calls are safe from many threads.
class Step {
 public:
  virtual ~Step() = default;
  virtual void run(std::string_view text, const Parts& out) const = 0;
};
using StepPointer = std::unique_ptr<const Step>;

/// What becomes of the matches of a Split, by the names that tokenizer.json has for it.
enum class Behavior : std::uint8_t { isolated, removed, merged_with_previous, merged_with_next, contiguous };

enum class Form : std::uint8_t { nfc, nfd, nfkc, nfkd };

/// Pieces of a known pattern: those that Split by it with `isolated` gives.
[[nodiscard]] StepPointer make_scan(Pattern pattern);
/// `invert`: what lies between the matches counts as match. `unsupported` for an expression that ICU does not take, or
/// reads otherwise than the library that wrote it.
[[nodiscard]] Result<StepPointer> make_regex_split(std::string_view regex, Behavior behavior, bool invert);
/// By a string that is not empty.
[[nodiscard]] StepPointer make_string_split(std::string_view separator, Behavior behavior, bool invert);
/// Category N, one by one or in runs.
[[nodiscard]] StepPointer make_digits(bool one_by_one);

/// `unsupported` where ICU has no data.
[[nodiscard]] Result<StepPointer> make_form(Form form);
[[nodiscard]] StepPointer make_replace(std::string_view what, std::string_view by);
/// Puts a string before every part: always, or where it does not begin with it.
[[nodiscard]] StepPointer make_prepend(std::string_view prefix, bool only_where_missing);

/// All steps, one after another.
void run_steps(std::span<const StepPointer> steps, std::string_view text, const Parts& out);

}  // namespace attar::text
