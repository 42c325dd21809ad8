// A tokenizer put together from its parts: added tokens, normalizers, pre-tokenizers, a model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/model.h"
#include "text/tokenizer/steps.h"
#include "text/tokenizer/tokenizer.h"

namespace attar::text {

struct Pipeline {
  AddedTokens raw = {};         ///< looked for in the text as it is
  AddedTokens normalized = {};  ///< looked for in what the normalizers made of the rest
  std::vector<StepPointer> normalizers = {};
  std::vector<StepPointer> splits = {};
  std::unique_ptr<const TokenModel> model = {};
  Joins joins = Joins::nowhere;
};

[[nodiscard]] std::unique_ptr<Tokenizer> make_tokenizer(std::string name, Pipeline pipeline);

}  // namespace attar::text
