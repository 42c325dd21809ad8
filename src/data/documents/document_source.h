// What a user points at, a folder, a file or standard input, as a stream of documents: see spec.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attar/result.h"
#include "base/hash.h"
#include "data/documents/document.h"
#include "data/documents/walk.h"

namespace attar::data {

/// A file and what it holds, to tell later whether it has changed.
struct ListedFile {
  std::string path;
  std::uint64_t bytes = 0;
  base::Digest hash;  ///< SHA-256 of its bytes
};

class DocumentSource {
 public:
  /// A folder, a file, a named pipe or "-". Finds all files, and reads none of them. Fails where the root cannot be
  /// opened or listed, or holds too many files, and with `invalid_argument` for a format that is not known.
  [[nodiscard]] static Result<DocumentSource> open(const std::filesystem::path& root, DocumentOptions options = {});

  DocumentSource(DocumentSource&&) noexcept;
  DocumentSource& operator=(DocumentSource&&) noexcept;
  ~DocumentSource();

  /// The next document; nothing after the last one. A file or record that cannot be read is skipped and no failure;
  /// fails only where a scratch file cannot be written.
  [[nodiscard]] Result<std::optional<Document>> next();

  /// What was passed over so far, the first `most_named`.
  [[nodiscard]] const std::vector<Skipped>& skipped() const noexcept;
  [[nodiscard]] std::uint64_t skipped_count() const noexcept;

  /// All files, in the order in which they are read.
  [[nodiscard]] const std::vector<FoundFile>& files() const noexcept;
  /// Bytes of all files, as they lie there, and of those that have been read.
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] std::uint64_t bytes_read() const noexcept;

  /// Reads all files for their hashes; those that cannot be read are left out here, and noted as skipped by next().
  /// Leaves the stream of documents where it is.
  [[nodiscard]] std::vector<ListedFile> hash_files() const;

 private:
  class State;
  explicit DocumentSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace attar::data
