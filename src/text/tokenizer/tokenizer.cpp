#include "text/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include "text/unicode.h"

namespace attar::text {
namespace {

class Characters final : public Tokenizer {
 public:
  Characters() : Tokenizer("characters/4", true) {}

  [[nodiscard]] std::size_t count(std::string_view text) const override {
    // Every byte but those that continue a character.
    std::size_t characters = 0;
    for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
    return (characters + 3) / 4;
  }
  [[nodiscard]] Joins joins() const noexcept override { return Joins::anywhere; }
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::string& name) {
  if (name.empty() || name == "characters/4") return std::make_unique<Characters>();
  return fail(ErrorCode::invalid_argument,
              fmt::format("'{}' is no tokenizer; give characters/4, wordpiece or a tokenizer's file", name));
}

}  // namespace attar::text
