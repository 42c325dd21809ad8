// Opens hostile bytes as an artifact and reads everything in it. The last byte chooses how much is made right again
// before: 0: nothing; 1: root digest and header checksum; 2: block tables and digests too; 3: also magic, version,
// count and size of the header, so that a mutation reaches the directory. It stands at the end, so that a corpus file
// stays an artifact.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "../tests/format/container_bytes.h"
#include "format/ids.h"
#include "format/reader.h"
#include "format/schema.h"

namespace {

using attar::format::SectionKind;
namespace raw = attar::format::raw;

void repair_header(raw::Bytes& bytes) {
  constexpr unsigned char start[12] = {0x89, 'A', 'T', 'R', '\r', '\n', 0x1a, '\n', 1, 0, 0, 0};
  if (bytes.size() < raw::header_size) return;
  std::ranges::copy(std::as_bytes(std::span(start)), bytes.begin());
  raw::put(bytes, raw::count_at, raw::get<std::uint32_t>(bytes, raw::count_at) % 16);
  raw::put<std::uint64_t>(bytes, raw::required_at, 0);
  raw::put<std::uint64_t>(bytes, raw::file_bytes_at, bytes.size());
  std::fill(bytes.begin() + raw::reserved_at, bytes.begin() + raw::checksum_at, std::byte{0});
}

void read_ids(const attar::format::ArtifactReader& artifact, std::uint64_t rows) {
  const auto section = artifact.section(SectionKind::ids);
  if (!section) return;
  const auto ids = attar::format::IdsReader::open(*section, rows);
  if (!ids) return;
  const bool sound = ids->check().has_value();
  // What check() accepts, id() must read.
  if (sound && rows > 0 && (!ids->id(0) || !ids->id(rows - 1))) std::abort();
}

void read_all(attar::base::ByteView bytes) {
  const auto artifact = attar::format::ArtifactReader::open_bytes(bytes);
  if (!artifact) return;
  const bool sound = artifact->verify_all().has_value();
  for (const auto& entry : artifact->sections()) {
    const auto section = artifact->section(entry.spec.kind, entry.spec.instance);
    const bool readable = section && section->verify_all().has_value();
    if (sound && !readable) std::abort();  // verify_all() must not promise what section() does not keep
  }
  if (sound && !artifact->certificate()) std::abort();
  if (const auto section = artifact->section(SectionKind::schema)) {
    const auto schema = attar::format::decode_schema(*section, {});
    if (schema) read_ids(*artifact, schema->rows);
  }
  read_ids(*artifact, 100);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = std::as_bytes(std::span(data, size));
  raw::Bytes bytes(input.begin(), input.end() - 1);
  const unsigned mode = data[size - 1] % 4;
  if (mode == 3) repair_header(bytes);
  if (mode == 1) raw::seal_directory(bytes);
  if (mode >= 2) raw::seal_sections(bytes);
  read_all(bytes);
  return 0;
}
