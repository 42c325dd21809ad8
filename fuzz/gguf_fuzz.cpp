// Hostile GGUF files: all that is read lies inside the bytes, or there is a typed error. What was read is written again
// and is the same; blocks become numbers, and numbers blocks, whatever they are.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "data/gguf.h"
#include "data/gguf_write.h"
#include "tensor/ggml/rows.h"

namespace {

using namespace attar;

void require(bool holds) {
  if (!holds) std::abort();
}

void use(const data::GgufEntry& entry) {
  require(!entry.key.empty() && entry.raw.size() > entry.key.size());
  require(!entry.text() || entry.text()->size() <= entry.bytes.size());
  require(!entry.boolean() || entry.bytes.size() == 1);
  require(!entry.whole() || entry.number());
  if (const auto texts = entry.texts()) require(texts->size() == entry.count);
  if (const auto numbers = entry.numbers()) require(numbers->size() == entry.count);
}

// Numbers to blocks of every type whose blocks they fill, and back; finite ones stay finite.
void quantize(std::span<const float> values) {
  for (const tensor::ggml::BlockType& type : tensor::ggml::block_types()) {
    const std::uint64_t columns = values.size() / type.size.values * type.size.values;
    if (columns == 0) continue;
    const auto row = values.first(columns);
    std::vector<std::byte> blocks(columns / type.size.values * type.size.bytes);
    std::vector<float> weights(columns), read(columns);
    for (std::size_t i = 0; i < columns; ++i) weights[i] = std::isfinite(row[i]) ? std::fabs(row[columns - 1 - i]) : 1;
    if (!tensor::ggml::quantize(type, row, columns, {}, blocks)) continue;
    require(tensor::ggml::dequantize(type, blocks, read).has_value());
    for (std::size_t i = 0; i < columns; ++i) require(std::isfinite(read[i]) || !(std::fabs(row[i]) <= 65504.0f));
    (void)tensor::ggml::quantize(type, row, columns, weights, blocks);
  }
}

void use(const data::GgufTensor& tensor) {
  const auto* type = tensor::ggml::find_block_type(tensor.type);
  if (type == nullptr) return;
  std::vector<float> values(tensor.count);
  require(tensor::ggml::dequantize(*type, tensor.bytes, values).has_value());
  if (values.size() <= 4096) quantize(values);
}

void write_again(const data::Gguf& content) {
  data::GgufMetadata metadata;
  std::vector<data::GgufTensorInfo> infos;
  for (const data::GgufEntry& entry : content.metadata) metadata.carry(entry);
  for (const data::GgufTensor& tensor : content.tensors) infos.push_back(data::gguf_info_of(tensor));
  base::MemorySink sink;
  auto writer = data::GgufWriter::create(sink, metadata, std::move(infos));
  require(writer.has_value());
  for (const data::GgufTensor& tensor : content.tensors) require(writer->append(tensor.bytes).has_value());
  require(writer->finish().has_value() && writer->file_bytes() == sink.bytes().size());
  const auto again = data::parse_gguf(sink.bytes());
  require(again.has_value() && again->tensors.size() == content.tensors.size());
  for (std::size_t i = 0; i < content.metadata.size(); ++i)
    require(std::ranges::equal(again->metadata[i].raw, content.metadata[i].raw));
  for (std::size_t i = 0; i < content.tensors.size(); ++i) {
    const auto &before = content.tensors[i], &after = again->tensors[i];
    require(before.name == after.name && before.shape == after.shape && before.type == after.type);
    require(std::ranges::equal(before.bytes, after.bytes.first(before.bytes.size())));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView file = std::as_bytes(std::span(data, size));
  const auto content = data::parse_gguf(file);
  const auto metadata = data::parse_gguf_metadata(file);
  require(content ? metadata && metadata->size() == content->metadata.size()
                  : metadata || !metadata.error().message.empty());
  if (!content) {
    require(!content.error().message.empty());
    return 0;
  }
  require(content->header.size() + content->data.size() == size);
  std::uint64_t bytes = 0;
  for (const data::GgufTensor& tensor : content->tensors) {
    require(tensor.offset <= content->data.size() && tensor.bytes.size() <= content->data.size() - tensor.offset);
    require(content->tensor(tensor.name) == &tensor);
    bytes += tensor.bytes.size();
    use(tensor);
  }
  require(bytes <= content->data.size());
  for (const data::GgufEntry& entry : content->metadata) use(entry);
  write_again(*content);
  return 0;
}
