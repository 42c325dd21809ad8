// A GGUF file of every block type: written and read here, and by bench/gguf_reader.py read with the Python package
// gguf.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "data/gguf_write.h"
#include "tensor/ggml/rows.h"

namespace attar::tensor::ggml {
namespace {

constexpr std::uint64_t rows = 64, columns = 1024;

std::vector<float> normal_numbers() {
  base::Random random(40);
  std::vector<float> out(rows * columns);
  for (float& value : out) value = static_cast<float>(random.normal());
  return out;
}

// The numbers themselves; for each type its blocks of them (name of the type), and the blocks as read back here (with
// ".read").
Status write_file(base::Sink& sink, const std::vector<float>& values) {
  data::GgufMetadata metadata;
  metadata.add_text("general.architecture", "attar-test");
  metadata.add_u32("attar.rows", rows);
  metadata.add_texts("attar.words", std::vector<std::string>{"one", "", "zwölf"});
  metadata.add_f32s("attar.numbers", std::vector<float>{0.5f, -2.0f});
  metadata.add_boolean("attar.yes", true);
  std::vector<data::GgufTensorInfo> infos{{.name = "numbers", .type = 0, .shape = {rows, columns}}};
  for (const BlockType& type : block_types()) {
    infos.push_back({.name = std::string(type.size.name), .type = type.size.number, .shape = {rows, columns}});
    infos.push_back({.name = std::string(type.size.name) + ".read", .type = 0, .shape = {rows, columns}});
  }
  ATTAR_ASSIGN(data::GgufWriter writer, data::GgufWriter::create(sink, metadata, std::move(infos)));
  ATTAR_TRY(writer.append(std::as_bytes(std::span(values))));
  for (const BlockType& type : block_types()) {
    ATTAR_ASSIGN(const std::uint64_t bytes, row_bytes(type, columns));
    std::vector<std::byte> blocks(rows * bytes);
    std::vector<float> read(values.size());
    ATTAR_TRY(quantize(type, values, columns, {}, blocks));
    ATTAR_TRY(dequantize(type, blocks, read));
    ATTAR_TRY(writer.append(blocks));
    ATTAR_TRY(writer.append(std::as_bytes(std::span(read))));
  }
  return writer.finish();
}

TEST(GgufOfBlocks, IsReadAsItWasWritten) {
  const std::vector<float> values = normal_numbers();
  base::MemorySink sink;
  const Status written = write_file(sink, values);
  ASSERT_TRUE(written) << written.error().describe();
  const auto content = data::parse_gguf(sink.bytes());
  ASSERT_TRUE(content) << content.error().describe();
  ASSERT_EQ(content->tensors.size(), 1 + 2 * block_types().size());
  std::vector<float> read(values.size());
  for (const BlockType& type : block_types()) {
    const data::GgufTensor* blocks = content->tensor(type.size.name);
    ASSERT_NE(blocks, nullptr);
    ASSERT_TRUE(dequantize(*find_block_type(blocks->type), blocks->bytes, read));
    const auto kept = content->tensor(std::string(type.size.name) + ".read")->bytes;
    EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(read)), kept)) << type.size.name;
  }
  // bench/gguf_reader.py names a file, which it reads afterwards.
  if (const char* path = std::getenv("ATTAR_GGUF_OUT"); path != nullptr) {
    auto file = base::AtomicFile::create(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write(sink.bytes()));
    ASSERT_TRUE(file->commit());
  }
}

}  // namespace
}  // namespace attar::tensor::ggml
