// Hostile safetensors files: tensors lie inside the bytes, one after another, or there is a typed error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "data/safetensors.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attar;
  const base::ByteView file = std::as_bytes(std::span(data, size));
  const auto tensors = data::parse_safetensors(file);
  if (!tensors) {
    require(!tensors.error().message.empty());
    return 0;
  }
  std::uint64_t bytes = 0;
  for (const data::Tensor& tensor : *tensors) {
    require(tensor.bytes.data() >= file.data() && tensor.bytes.size() <= size);
    require(tensor.bytes.size() <= static_cast<std::size_t>(file.data() + size - tensor.bytes.data()));
    require(tensor.count * data::tensor_type_bytes(tensor.type) == tensor.bytes.size());
    bytes += tensor.bytes.size();
    if (!data::is_float(tensor.type)) continue;
    std::vector<float> values(tensor.count);
    data::widen(tensor, 0, values);
  }
  require(bytes < size);
  return 0;
}
