// How many tokens of a language model a text is. spec.md has the rules of each kind and the files that are read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "attar/result.h"
#include "text/chunk/chunk.h"

namespace attar::text {

/// Const calls are safe from many threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Tokens of a text, without special ones. A text's tokens are never fewer than those of a part of it are, by more
  /// than the few that a cut may add.
  [[nodiscard]] virtual std::size_t count(std::string_view text) const = 0;
  /// Where two texts joined are never longer than the sum of their lengths.
  [[nodiscard]] virtual Joins joins() const noexcept = 0;

  /// "characters/4", "wordpiece", or a file's name: what a budget says that it is counted in.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Not by a model's own rules.
  [[nodiscard]] bool estimated() const noexcept { return estimated_; }

 protected:
  Tokenizer(std::string name, bool estimated) : name_(std::move(name)), estimated_(estimated) {}

 private:
  std::string name_;
  bool estimated_ = false;
};

/// "characters/4", also the empty name: code points over four, rounded up, an estimate. "wordpiece": the vocabulary
/// that the library carries. Otherwise a file (or a folder that holds one): tokenizer.json (WordPiece, BPE),
/// NAME.tiktoken, with its pattern's name behind a colon where NAME is not that, a .model file of SentencePiece,
/// vocab.txt. `io`, `over_limit`, `invalid_data` or `unsupported`, with the kinds that are read.
[[nodiscard]] Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::string& name);

}  // namespace attar::text
