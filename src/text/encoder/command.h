// A user's own encoder: a command that reads texts and prints vectors.
#pragma once

#include <memory>
#include <string>

#include "text/encoder/encoder.h"

namespace attar::text {

/// The command gets a text a line (line ends within one become blanks) and prints a vector a line: numbers with blanks
/// or commas between them, in brackets or not.
class CommandEncoder final : public Encoder {
 public:
  /// Asks the command for one vector, to learn the dimensions. `invalid_data` for a command that prints none.
  [[nodiscard]] static Result<std::unique_ptr<CommandEncoder>> open(std::string command);

  [[nodiscard]] const EncoderInfo& info() const noexcept override { return info_; }
  /// Runs the command once. `io` where it fails, `invalid_data` for another number of lines or of dimensions than
  /// asked.
  [[nodiscard]] Status encode(std::span<const std::string_view> texts, base::ThreadPool& pool,
                              std::span<float> out) const override;
  /// By the table that the library carries: what the command counts is not known.
  [[nodiscard]] std::size_t count_tokens(std::string_view text) const override;

 private:
  CommandEncoder(std::string command, const Encoder& counter) : command_(std::move(command)), counter_(counter) {}

  std::string command_;
  const Encoder& counter_;
  EncoderInfo info_;
};

}  // namespace attar::text
