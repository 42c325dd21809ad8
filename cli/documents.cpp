#include "documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "options.h"
#include "output.h"

namespace attar::cli {
namespace {

// So many of what was skipped are shown; --json has all that the library names.
constexpr std::size_t most_shown = 10;

std::string name_of(const SkippedInput& skipped) {
  return skipped.record == 0 ? skipped.path : fmt::format("{}:{}", skipped.path, skipped.record);
}

}  // namespace

void add_document_options(Command& command, DocumentArguments& arguments) {
  PackDocumentsOptions& options = arguments.options;
  add_value(
      command, "--as", arguments.as,
      [](std::string_view text) {
        return parse_word(text, {"vectors", "documents"});
      },
      "What the input is; without it, as it looks", "KIND");
  add_value(command, "--text", options.text_fields, parse_names,
            "Documents in .jsonl, .csv, .tsv: the fields of their text (default: text, body, content, description)",
            "NAME,…");
  command.add_text("--encoder", options.encoder,
                   "Documents: what makes their vectors: a folder with a BERT model, or cmd:COMMAND; else Attar's own",
                   "DIR");
  command.add_text("--vectors", arguments.vectors, "Documents: their vectors, one each in their order", "FILE");
  command.add_text("--reuse", arguments.reuse,
                   "Documents: keep vectors here, and encode only what changed (default, with --encoder: beside the "
                   "output; none)",
                   "FILE");
  command.add_flag("--late-chunking", options.late_chunking,
                   "Documents: encode pieces within their document, with a BERT model");
  command.add_text("--language", options.language, "Documents: of word stems (default english; none: as they are)",
                   "NAME");
  add_whole(command, "--chunk-tokens", options.chunk_tokens, 8, 8192,
            "Documents: most tokens of a piece of text (default 256)");
}

Result<bool> takes_documents(const std::filesystem::path& input, const std::filesystem::path& output,
                             DocumentArguments& arguments) {
  PackDocumentsOptions& options = arguments.options;
  bool documents = arguments.as == "documents" || !options.text_fields.empty();
  if (arguments.as.empty() && !documents && options.pack.input.format.empty() && options.pack.input.field.empty()) {
    ATTAR_ASSIGN(documents, holds_documents(input));
  }
  if (!documents) {
    if (!options.encoder.empty() || !arguments.vectors.empty() || !arguments.reuse.empty() || options.late_chunking)
      return fail(ErrorCode::invalid_argument,
                  "--encoder, --vectors, --reuse and --late-chunking are for documents (--as documents)");
    return false;
  }
  options.vectors = arguments.vectors;
  // Attar's own table encodes faster than vectors are read from a file.
  const bool slow = !options.encoder.empty() && options.vectors.empty();
  if (!arguments.reuse.empty() && arguments.reuse != "none") options.reuse = arguments.reuse;
  if (arguments.reuse.empty() && slow && !output.empty() && output != "-") options.reuse = output.string() + ".vectors";
  // Attributes of documents are fields of their records: --meta names them.
  if (!options.pack.meta.empty()) {
    ATTAR_ASSIGN(options.pack.meta_fields, parse_names(options.pack.meta.string()));
    options.pack.meta.clear();
  }
  return true;
}

Json documents_json(const DocumentsReport& report) {
  Json skipped = Json::array();
  for (const SkippedInput& one : report.skipped)
    skipped.push_back({{"path", one.path}, {"record", one.record}, {"reason", one.reason}});
  return {{"count", report.documents},
          {"text_bytes", report.text_bytes},
          {"encoder", report.encoder},
          {"encoded", report.encoded},
          {"reused", report.reused},
          {"skipped", std::move(skipped)},
          {"seconds",
           {{"read", report.read_seconds},
            {"encode", report.encode_seconds},
            {"words", report.words_seconds},
            {"texts", report.text_seconds}}}};
}

std::string documents_text(const DocumentsReport& report) {
  Facts facts;
  facts.add("documents",
            fmt::format("{} with {} bytes of text", grouped(report.documents), grouped(report.text_bytes)));
  facts.add("encoder", printable(report.encoder));
  if (report.reused != 0)
    facts.add("vectors",
              fmt::format("{} made, {} from the last time", grouped(report.encoded), grouped(report.reused)));
  std::string out = facts.text();
  if (!report.reuse_note.empty()) out += fmt::format("vectors of the last time: {}\n", printable(report.reuse_note));
  for (std::size_t i = 0; i < std::min(most_shown, report.skipped.size()); ++i)
    out += fmt::format("skipped {}: {}\n", printable(name_of(report.skipped[i])), printable(report.skipped[i].reason));
  if (report.skipped.size() > most_shown)
    out += fmt::format("… and {} more\n", grouped(report.skipped.size() - most_shown));
  return out;
}

}  // namespace attar::cli
