// Opens an artifact of tensors whose sections are hostile behind right checksums, and reads all of it; one thread and
// several must agree. The mutator damages one section at a time and keeps its length. Seeds are the golden artifact,
// and the same with its index and sources as frames of zstd that store their bytes as they are, so that damage reaches
// the fields. tests/engine/golden_tensors_test.cpp writes both. (Damage of the container itself: container_fuzz.)
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "../tests/format/container_bytes.h"
#include "attar/tensors.h"
#include "base/random.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

namespace raw = attar::format::raw;
using attar::TensorArtifact;

// An index may announce terabytes: what is read at a time, and of one input, is bounded.
constexpr std::uint64_t most_tensor = 1u << 20, most_input = 8u << 20;

struct Place {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// The sections that lie inside the file.
std::vector<Place> sections_of(const raw::Bytes& file) {
  std::vector<Place> out;
  if (!raw::has_directory(file)) return out;
  for (std::uint64_t i = 0; i < raw::get<std::uint32_t>(file, raw::count_at); ++i) {
    const std::uint64_t entry = raw::entry_at(file, i);
    const Place place{raw::get<std::uint64_t>(file, entry + raw::offset_in),
                      raw::get<std::uint64_t>(file, entry + raw::length_in)};
    if (place.length > 0 && place.offset <= file.size() && place.length <= file.size() - place.offset)
      out.push_back(place);
  }
  return out;
}

void require(bool holds) {
  if (!holds) std::abort();
}

void read(const TensorArtifact& artifact) {
  const attar::TensorsInfo info = artifact.info();
  require(info.tensors.size() == artifact.size());
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < artifact.size(); ++i) {
    const attar::TensorInfo& tensor = info.tensors[i];
    if (tensor.bytes > most_tensor) continue;
    total += tensor.bytes;
    if (total > most_input) return;
    const auto bytes = artifact.read(i);
    if (!bytes) {
      require(!bytes.error().message.empty());
      continue;
    }
    require(bytes->size() == tensor.bytes);
    const auto again = artifact.read(i, 3);
    require(again && *again == *bytes);
  }
  for (const char* name : {"embed", "parts/head.safetensors:head", "", ":", "none"}) {
    const auto found = artifact.find(name);
    require(!found || *found < artifact.size());
  }
  std::uint64_t announced = 0;
  for (const attar::TensorInfo& tensor : info.tensors)
    announced = std::min(most_input + 1, announced + std::min(tensor.bytes, most_input + 1));
  if (announced <= most_input) {
    const auto verified = artifact.verify(1);
    require(verified || !verified.error().message.empty());
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  const auto input = std::as_bytes(std::span(data, size));
  const std::vector<Place> places = sections_of({input.begin(), input.end()});
  attar::base::Random random(seed);
  if (places.empty() || random.below(16) == 0) return LLVMFuzzerMutate(data, size, max_size);
  const Place place = places[random.below(places.size())];
  const std::span section(data + place.offset, place.length);
  std::vector<std::uint8_t> changed(section.begin(), section.end());
  const std::size_t written = LLVMFuzzerMutate(changed.data(), changed.size(), changed.size());
  std::copy_n(changed.begin(), std::min<std::size_t>(written, changed.size()), section.begin());
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  raw::Bytes bytes(input.begin(), input.end());
  raw::seal_sections(bytes);
  const auto artifact = TensorArtifact::open_bytes(bytes, {.limits = {.max_model_bytes = 1u << 22}});
  if (artifact) read(*artifact);
  return 0;
}
