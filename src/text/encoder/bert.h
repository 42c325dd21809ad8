// Sentence encoders of the BERT type, from a folder as sentence-transformers writes it. spec.md has the rules.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/bert.h"
#include "nn/linear.h"
#include "text/encoder/bert_folder.h"
#include "text/encoder/encoder.h"
#include "text/wordpiece/wordpiece.h"

namespace attar::text {

struct BertOptions {
  nn::Precision precision = nn::Precision::int8;
  /// Tokens of a text, [CLS] and [SEP] among them; 0, or more than the model has: as many as the model says.
  std::uint32_t longest = 0;
  std::string name = {};  ///< for EncoderInfo; empty: the folder's
  simd::Level level = simd::active_level();
};

/// EncoderInfo::max_tokens counts as count_tokens() does: without [CLS] and [SEP].
class BertEncoder final : public Encoder {
 public:
  /// Errors of read_bert_folder(), Safetensors::open(), nn::Bert::make() and WordPiece::make(); `invalid_data` too for
  /// a vocabulary without [CLS] and [SEP] or with more tokens than the model has words. The weights' file stays mapped
  /// and must not change.
  [[nodiscard]] static Result<std::unique_ptr<BertEncoder>> open(const std::filesystem::path& path,
                                                                 const BertOptions& options = {});
  /// The same for files that lie elsewhere. `path`: what errors and EncoderInfo call them.
  [[nodiscard]] static Result<std::unique_ptr<BertEncoder>> make(const ModelFiles& files,
                                                                 const std::filesystem::path& path,
                                                                 const BertOptions& options = {});

  [[nodiscard]] const EncoderInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const nn::Bert& model() const noexcept { return model_; }
  /// Fails with `invalid_data` where the model's numbers overflow.
  [[nodiscard]] Status encode(std::span<const std::string_view> texts, base::ThreadPool& pool,
                              std::span<float> out) const override;
  [[nodiscard]] std::size_t count_tokens(std::string_view text) const override;

  /// Late chunking: a row of dims floats a span into `out` (spans.size() × dims), of length 1, pooled from vectors of
  /// tokens that saw the text around them, a window of max_tokens at a time; a span without tokens has zeros. Spans may
  /// overlap and come in any order. `invalid_argument` for one that is no range of the text, `over_limit` for a
  /// text of 4 GiB and more.
  [[nodiscard]] Status encode_spans(std::string_view text, std::span<const ByteSpan> spans, base::ThreadPool& pool,
                                    std::span<float> out) const override;

 private:
  class Worker;

  BertEncoder(WordPiece words, nn::Bert model, const BertFolder& folder)
      : words_(std::move(words)), model_(std::move(model)), pooling_(folder.pooling) {}

  [[nodiscard]] std::vector<std::vector<std::uint32_t>> tokenize(std::span<const std::string_view> texts,
                                                                 base::ThreadPool& pool) const;
  void describe(const BertFolder& folder, const std::filesystem::path& path, const BertOptions& options);

  WordPiece words_;
  nn::Bert model_;
  Pooling pooling_;
  std::uint32_t first_ = 0, last_ = 0;  // [CLS] and [SEP]
  EncoderInfo info_;
};

}  // namespace attar::text
