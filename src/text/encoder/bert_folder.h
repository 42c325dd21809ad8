// The folder of a sentence encoder as sentence-transformers writes it: settings and vocabulary, checked. spec.md lists
// the files.
#pragma once

#include <cstdint>
#include <string>

#include "attar/result.h"
#include "nn/bert.h"
#include "text/encoder/model_files.h"

namespace attar::text {

/// How the vectors of tokens become one.
enum class Pooling : std::uint8_t { mean, first };

/// What the small files of a folder say.
struct BertFolder {
  nn::BertConfig config;
  Pooling pooling = Pooling::mean;
  std::uint32_t longest = 0;  ///< tokens a text, [CLS] and [SEP] among them: 3 … config.positions
  std::string vocabulary;     ///< one token a line
};

/// Errors name the file: `io`, `over_limit`, `invalid_data`, `unsupported` for a model that is tokenized or pooled in a
/// way that is not ours.
[[nodiscard]] Result<BertFolder> read_bert_folder(const ModelFiles& files);

}  // namespace attar::text
