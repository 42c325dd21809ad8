// Questions in words: how search asks an artifact of documents and shows what it found.
#pragma once

#include <string>
#include <vector>

#include "attar/documents.h"
#include "command.h"
#include "session.h"

namespace attar::cli {

struct AskArguments {
  std::vector<std::string> questions;
  std::string encoder;
  bool lexical = false, semantic = false, hybrid = false;
  bool rows = false, ranks = false;
  AskOptions options;
};

/// How questions are answered: --lexical, --diverse, --encoder …
void add_mode_options(Command& command, AskArguments& arguments);
/// That, the questions, and how answers are shown.
void add_ask_options(Command& command, AskArguments& arguments);

/// What the flags ask for; `invalid_argument` where they exclude each other.
[[nodiscard]] Result<AskOptions> options_of(const AskArguments& arguments);

/// Asks and prints; the number of answers.
[[nodiscard]] Result<std::uint64_t> ask(const Session& session, const Artifact& artifact, AskArguments& arguments,
                                        bool explain);

}  // namespace attar::cli
