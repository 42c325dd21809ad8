// Opens an artifact of tensors whose sections are hostile behind right checksums, and reads all of it; one thread and
// several must agree. The mutator damages one section at a time and keeps its length. Seeds are the golden artifact,
// and the same with its index and sources as frames of zstd that store their bytes as they are, so that damage reaches
// the fields; beside them those of losses and of what may be cut. tests/engine/golden_tensors_test.cpp writes them.
// (Damage of the container itself: container_fuzz.)
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "attar/tensors.h"
#include "section_mutator.h"

namespace {

namespace raw = attar::format::raw;
using attar::TensorArtifact;
using attar::fuzzing::require;

// An index may announce terabytes: what is read at a time, and of one input, is bounded.
constexpr std::uint64_t most_tensor = 1u << 20, most_input = 8u << 20;

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
  return attar::fuzzing::mutate_section(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  raw::Bytes bytes(input.begin(), input.end());
  raw::seal_sections(bytes);
  auto artifact = TensorArtifact::open_bytes(bytes, {.limits = {.max_model_bytes = 1u << 22}});
  if (!artifact) return 0;
  read(*artifact);
  // What is progressive is read again with some of it cut off.
  if (artifact->cut({.value = 0.8 * static_cast<double>(bytes.size())})) read(*artifact);
  return 0;
}
