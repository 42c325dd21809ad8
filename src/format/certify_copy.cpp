#include "format/certify_copy.h"

#include <fmt/format.h>

#include "format/writer.h"

namespace attar::format {

Status copy_with_certificate(const ArtifactReader& artifact, const std::filesystem::path& path,
                             base::ByteView certificate) {
  const auto refuse = [&](ErrorCode code, std::string message) {
    return std::unexpected(Error{.code = code, .message = std::move(message), .file = artifact.path()});
  };
  if ((artifact.features().read_only & ~known_features.read_only) != 0)
    return refuse(ErrorCode::too_new,
                  fmt::format("the file has read-only features that this build does not know (set {:#x}); update Attar",
                              artifact.features().read_only));
  const SectionEntry* reserved = artifact.find(SectionKind::certificate);
  if (reserved == nullptr)
    return refuse(ErrorCode::unsupported, "no room was reserved for a certificate; pack the data anew with one");

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
