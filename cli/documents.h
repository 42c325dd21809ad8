// What pack and plan ask about documents, and what they tell of them.
#pragma once

#include <filesystem>
#include <string>

#include "attar/documents.h"
#include "command.h"
#include "json.h"

namespace attar::cli {

struct DocumentArguments {
  std::string as;              ///< "documents" or "vectors"; empty: as the input looks
  std::string vectors, reuse;  ///< files
  PackDocumentsOptions options;
};

/// --as, --text, --encoder and others that only documents have.
void add_document_options(Command& command, DocumentArguments& arguments);

/// Whether the input is to be packed as documents; then what is said of fields is in its place. `invalid_argument` for
/// options of the other kind. `output`: the artifact; empty for a plan.
[[nodiscard]] Result<bool> takes_documents(const std::filesystem::path& input, const std::filesystem::path& output,
                                           DocumentArguments& arguments);

[[nodiscard]] Json documents_json(const DocumentsReport& report);
[[nodiscard]] std::string documents_text(const DocumentsReport& report);

}  // namespace attar::cli
