// What the commands over corpora of texts share.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "attar/corpus.h"
#include "command.h"
#include "json.h"
#include "output.h"
#include "progress_bar.h"
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
/// Of lines without a text, in a remark: how many, and the first of them.
void note_skipped(const Session& session, const CorpusCounts& counts);
/// Has `work` (of the output's path, to Result<Report>) write a corpus beside a progress bar, and tells of it:
/// `json_of(report, path)`, `text_of(report, name)`.
template <class Work, class JsonOf, class TextOf>
auto write_corpus(const Session& session, const std::filesystem::path& output, CorpusOptions& corpus, Work work,
                  JsonOf json_of, TextOf text_of) -> decltype(work(output)) {
  ATTAR_ASSIGN(OutputFile file, OutputFile::create(output, ".jsonl", session));
  typename decltype(work(output))::value_type report;
  {
    ProgressBar bar(session);
    corpus.progress = &bar;
    ATTAR_ASSIGN(report, work(file.path()));
  }
  note_skipped(session, report.corpus);
  const std::string path = output.string();
  ATTAR_TRY(tell_written(session, file, path, json_of(report, path),
                         [&](const std::string& name) { return text_of(report, name); }));
  return report;
}
/// The same in JSON.
[[nodiscard]] Json skipped_json(const CorpusCounts& counts);

}  // namespace attar::cli
