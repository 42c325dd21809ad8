#include "format/certify_copy.h"

#include <fmt/format.h>

#include "format/writer.h"

namespace attar::format {
namespace {

std::unexpected<Error> refuse(const ArtifactReader& artifact, ErrorCode code, std::string message) {
  return std::unexpected(Error{.code = code, .message = std::move(message), .file = artifact.path()});
}

}  // namespace

Status check_derivable(const ArtifactReader& artifact) {
  const std::uint64_t unknown = artifact.features().read_only & ~known_features.read_only;
  if (unknown == 0) return {};
  return refuse(artifact, ErrorCode::too_new,
                fmt::format("the file has read-only features that this build does not know (set {:#x}); update Attar",
                            artifact.features().read_only));
}

Status copy_with_certificate(const ArtifactReader& artifact, const std::filesystem::path& path,
                             base::ByteView certificate) {
  ATTAR_TRY(check_derivable(artifact));
  const SectionEntry* reserved = artifact.find(SectionKind::certificate);
  if (reserved == nullptr)
    return refuse(artifact, ErrorCode::unsupported,
                  "no room was reserved for a certificate; pack the data anew with one");

  ATTAR_ASSIGN(auto writer,
               ArtifactWriter::create(path, {.certificate_bytes = reserved->length, .features = artifact.features()}));
  for (const SectionEntry& entry : artifact.sections()) {
    if (entry.spec.kind == SectionKind::certificate) continue;
    ATTAR_ASSIGN(const SectionReader section, artifact.section(entry.spec.kind, entry.spec.instance));
    ATTAR_TRY(section.verify_all());
    ATTAR_TRY(writer.add(entry.spec, section.bytes()));
    if (writer.sections().back().digest != entry.digest)
      return section.fail(ErrorCode::corrupt,
                          "the section does not match its digest; copy the file again from its source");
  }
  return writer.finish(certificate);
}

}  // namespace attar::format
