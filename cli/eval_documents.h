// Evaluation of documents: questions in words against judgements.
#pragma once

#include "attar/documents.h"
#include "session.h"

namespace attar::cli {

/// Asks, measures and prints.
[[nodiscard]] Result<Exit> eval_documents(const Session& session, const Artifact& artifact,
                                          EvaluateDocumentsOptions options);

}  // namespace attar::cli
