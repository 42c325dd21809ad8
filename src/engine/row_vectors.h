// The vectors of rows of documents: made by an encoder, found in a cache, or given.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/threads.h"
#include "engine/document_rows.h"
#include "text/encoder/encoder.h"

namespace attar::engine {

struct RowVectorOptions {
  std::filesystem::path given = {};  ///< vectors of all documents, in their order; empty: the encoder makes them
  std::filesystem::path cache = {};  ///< empty: none
  bool late = false;                 ///< late chunking
};

struct RowVectors {
  std::vector<float> values = {};  ///< rows × dims
  std::uint32_t dims = 0;
  std::uint64_t encoded = 0, reused = 0;  ///< rows
  std::string note = {};                  ///< why the cache was not used, where it was not
};

/// `invalid_data` where given vectors are not as many as the documents.
[[nodiscard]] Result<RowVectors> row_vectors(const DocumentRows& rows, const text::Encoder& encoder,
                                             const RowVectorOptions& options, base::ThreadPool& pool,
                                             base::Progress& progress);

}  // namespace attar::engine
