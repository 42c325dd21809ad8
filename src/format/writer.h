// Writes an artifact in one pass: checksums and digests are computed while the bytes stream by.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "attar/result.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "format/layout.h"

namespace attar::format {

struct WriterOptions {
  std::uint64_t certificate_bytes = 4096;  ///< reserved for the certificate; 0: no certificate section
  Features features = {};                  ///< set only where an artifact is derived from another
};

/// The file appears under its name when finish() succeeds; before that, and when the writer is destroyed without it, a
/// former file of that name stays as it was. After the first failed write every call fails.
class ArtifactWriter {
 public:
  [[nodiscard]] static Result<ArtifactWriter> create(const std::filesystem::path& path,
                                                     const WriterOptions& options = {});

  ArtifactWriter(ArtifactWriter&&) noexcept;
  ArtifactWriter& operator=(ArtifactWriter&&) noexcept;
  ~ArtifactWriter();

  /// Starts a section. The sink (never null) takes its bytes until end() and belongs to the writer. The certificate
  /// is not begun: finish() writes it.
  [[nodiscard]] Result<base::Sink*> begin(const SectionSpec& spec);
  [[nodiscard]] Status end();
  /// begin(), one write, end().
  [[nodiscard]] Status add(const SectionSpec& spec, base::ByteView bytes);

  /// The sections ended so far, offsets and digests included; their tables get a place when the file is finished.
  [[nodiscard]] std::span<const SectionEntry> sections() const noexcept;
  /// The exact size in bytes that the file has when it is finished now; the reserved certificate is counted.
  [[nodiscard]] Result<std::uint64_t> final_bytes() const;
  /// What a certificate names: the digest of all sections ended so far.
  [[nodiscard]] base::Digest content_digest() const;

  /// Writes the certificate (text without zero bytes, at most WriterOptions::certificate_bytes), the tables, the
  /// directory and the header, and makes the file appear. Nothing may follow.
  [[nodiscard]] Status finish(base::ByteView certificate = {});

 private:
  class State;
  explicit ArtifactWriter(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace attar::format
