// The normalizers and pre-tokenizers of a tokenizer.json.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "text/tokenizer/steps.h"

namespace attar::text::json {

using Element = simdjson::dom::element;

/// Nothing where the key is absent or null.
[[nodiscard]] std::optional<Element> find(Element object, std::string_view key);
/// Empty where the element is no string, or not there.
[[nodiscard]] std::string_view text_at(Element object, std::string_view key);
/// `otherwise` where the key is absent, null or no truth value.
[[nodiscard]] bool truth_at(Element object, std::string_view key, bool otherwise);

/// Appends the steps of an object with a "type".
[[nodiscard]] Status read_normalizer(Element object, std::vector<StepPointer>& out);

struct Splits {
  std::vector<StepPointer> steps = {};
  bool bytes = false;  ///< ends with ByteLevel: units are bytes
};
[[nodiscard]] Status read_pre_tokenizer(Element object, Splits& out);

}  // namespace attar::text::json
