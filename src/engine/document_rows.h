// Documents cut into rows, and what is known of each row.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "attar/documents.h"
#include "base/progress.h"
#include "base/threads.h"
#include "data/documents/document_source.h"
#include "data/records.h"
#include "text/encoder/encoder.h"

namespace attar::engine {

struct TextRow {
  std::uint32_t document = 0;
  std::string_view text;
  std::string heading;     ///< headings in force, outermost first, joined by " > "
  std::uint64_t line = 0;  ///< of the document's file, from 1; 0: not known
};

/// What is encoded, indexed and read of a row: its document's title and its headings, as far as they are known, before
/// its text.
[[nodiscard]] std::string in_context(std::string_view title, std::string_view heading, std::string_view text);

/// A document's title as its rows know it: that of its own, not of a file of many records.
[[nodiscard]] std::string_view title_of(const data::Document& document);

struct DocumentRows {
  std::deque<data::Document> documents;  ///< the rows' texts lie in them
  std::vector<TextRow> rows;             ///< a document's together
  std::vector<std::uint32_t> counts;     ///< rows of each document
  std::uint64_t text_bytes = 0;
  std::vector<SkippedInput> skipped;

  [[nodiscard]] std::string in_context(std::size_t row) const;
  /// Path, title, heading, line, record, id, and the fields of the documents, a row for each row.
  [[nodiscard]] std::unique_ptr<data::RecordReader> records() const;
};

struct CutOptions {
  data::DocumentOptions documents = {};
  std::uint32_t chunk_tokens = 256;
  bool whole = false;                       ///< a document is one row, however long
  std::uint64_t memory_bytes = 2ull << 30;  ///< of all texts
};

/// `invalid_data` where no document is found, `over_limit` where they are larger than the memory.
[[nodiscard]] Result<DocumentRows> read_documents(const std::filesystem::path& input, const CutOptions& options,
                                                  const text::Encoder& encoder, base::ThreadPool& pool,
                                                  base::Progress& progress);

}  // namespace attar::engine
