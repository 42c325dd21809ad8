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
                   "Documents: what makes their vectors, a folder with a BERT model; without it Attar's own", "DIR");
  command.add_text("--language", options.language, "Documents: of word stems (default english; none: as they are)",
                   "NAME");
  add_whole(command, "--chunk-tokens", options.chunk_tokens, 8, 8192,
            "Documents: most tokens of a piece of text (default 256)");
}

Result<bool> takes_documents(const std::filesystem::path& input, DocumentArguments& arguments) {
  PackDocumentsOptions& options = arguments.options;
  bool documents = arguments.as == "documents" || !options.text_fields.empty();
  if (arguments.as.empty() && !documents && options.pack.input.format.empty() && options.pack.input.field.empty()) {
    ATTAR_ASSIGN(documents, holds_documents(input));
  }
  if (!documents) {
    if (!options.encoder.empty())
      return fail(ErrorCode::invalid_argument, "--encoder: vectors need none; it is for documents (--as documents)");
    return false;
  }
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
  std::string out = facts.text();
  for (std::size_t i = 0; i < std::min(most_shown, report.skipped.size()); ++i)
    out += fmt::format("skipped {}: {}\n", printable(name_of(report.skipped[i])), printable(report.skipped[i].reason));
  if (report.skipped.size() > most_shown)
    out += fmt::format("… and {} more\n", grouped(report.skipped.size() - most_shown));
  return out;
}

}  // namespace attar::cli
