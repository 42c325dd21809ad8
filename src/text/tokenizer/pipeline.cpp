#include "text/tokenizer/pipeline.h"

#include <utility>

#include "data/utf8.h"
#include "text/unicode.h"

namespace attar::text {
namespace {

std::string in_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t at = 0; at < text.size();)
    for (const char byte : to_utf8(next_code_point(text, at))) out.push_back(byte);
  return out;
}

class PipelineTokenizer final : public Tokenizer {
 public:
  PipelineTokenizer(std::string name, Pipeline pipeline)
      : Tokenizer(std::move(name), false), own_(std::move(pipeline)) {}

  [[nodiscard]] std::size_t count(std::string_view text) const override {
    if (!data::is_utf8(text)) return count(in_utf8(text));
    std::size_t tokens = 0, added = 0;
    const Parts model = [&](std::string_view part) { tokens += own_.model->count(part); };
    const Parts split = [&](std::string_view part) { run_steps(own_.splits, part, model); };
    const Parts second = [&](std::string_view part) { added += without(own_.normalized, part, split); };
    const Parts normalize = [&](std::string_view part) { run_steps(own_.normalizers, part, second); };
    added += without(own_.raw, text, normalize);
    return added + tokens;
  }
  [[nodiscard]] Joins joins() const noexcept override { return own_.joins; }

 private:
  static std::size_t without(const AddedTokens& added, std::string_view text, const Parts& rest) {
    if (!added.empty()) return added.cut(text, rest);
    if (!text.empty()) rest(text);
    return 0;
  }

  Pipeline own_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(std::string name, Pipeline pipeline) {
  return std::make_unique<PipelineTokenizer>(std::move(name), std::move(pipeline));
}

}  // namespace attar::text
