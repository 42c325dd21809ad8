// Hostile zips: members lie inside the bytes and none over another, or there is a typed error. Seeds are
// tests/data/npz.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "data/zip.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attar;
  const auto members = data::parse_zip(std::as_bytes(std::span(data, size)));
  if (!members) {
    require(!members.error().message.empty());
    return 0;
  }
  std::uint64_t at = 0;
  for (const data::ZipMember& member : *members) {
    require(member.offset >= at && member.offset <= size && member.stored <= size - member.offset);
    require(member.method != 0 || member.stored == member.bytes);
    require(!member.name.empty());
    at = member.offset + member.stored;
  }
  return 0;
}
