#include "corpus_options.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "options.h"
#include "output.h"

namespace attar::cli {

Result<double> parse_share(std::string_view text) {
  if (text == "1") return 1;
  if (const auto share = parse_between(text, 0, 1)) return *share;
  return fail(ErrorCode::invalid_argument,
              fmt::format("\"{}\" is not valid here: give a number above 0, at most 1, as in 0.8", text));
}

void add_corpus_input(Command& command, std::filesystem::path& input, std::filesystem::path& output, bool& force) {
  add_path(command, "input", input,
           "JSON lines with a text field, or plain text, a document a line; - for standard input")
      .required();
  add_path(command, "-o,--output", output, "Where to; - for standard output").required();
  command.add_flag("-f,--force", force, "Overwrite the output");
}

void add_corpus_options(Command& command, CorpusOptions& options) {
  add_value(command, "--text-field", options.text_fields, parse_names,
            "JSON: the fields of the text; without it the first of text, body, content, description, abstract",
            "NAME,…");
  add_value(command, "--memory", options.memory_bytes, parse_memory,
            "Working memory to aim at (default 1GiB); the rest goes to scratch files", "SIZE");
  add_threads(command, options.threads);
}

void add_keep(Command& command, Keep& keep) {
  add_value(
      command, "--keep", keep,
      [](std::string_view text) -> Result<Keep> {
        ATTAR_ASSIGN(const std::string word, parse_word(text, {"first", "longest"}));
        return word == "first" ? Keep::first : Keep::longest;
      },
      "Which document of a cluster stays: first (default) or longest", "WHICH");
}

Json skipped_json(const CorpusCounts& counts) {
  Json lines = Json::array();
  for (const SkippedLine& line : counts.first_skipped) lines.push_back({{"line", line.line}, {"reason", line.reason}});
  return {{"count", counts.skipped}, {"first", std::move(lines)}};
}

void note_skipped(const Session& session, const CorpusCounts& counts) {
  if (counts.skipped == 0) return;
  const SkippedLine& first = counts.first_skipped.front();
  note(session, fmt::format("{} lines were left out; line {} {}\n", grouped(counts.skipped), first.line,
                            printable(first.reason)));
}

}  // namespace attar::cli
