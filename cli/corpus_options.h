// What the commands over corpora of texts share.
#pragma once

#include <filesystem>
#include <string_view>

#include "attar/corpus.h"
#include "command.h"
#include "json.h"
#include "session.h"

namespace attar::cli {

/// A number in (0, 1].
[[nodiscard]] Result<double> parse_share(std::string_view text);
/// input, -o, -f.
void add_corpus_input(Command& command, std::filesystem::path& input, std::filesystem::path& output, bool& force);
/// --text-field, -T, --memory.
void add_corpus_options(Command& command, CorpusOptions& options);
/// --keep.
void add_keep(Command& command, Keep& keep);
/// Of lines without a text: how many, and the first of them.
[[nodiscard]] Json skipped_json(const CorpusCounts& counts);
/// The same in a remark.
void note_skipped(const Session& session, const CorpusCounts& counts);

}  // namespace attar::cli
