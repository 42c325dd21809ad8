// Files of tensors of any format: where their tensors lie, and what is taken as bytes.
#include "data/tensor_file.h"

#include "data/files.h"
#include "data/npy.h"
#include "data/tensor_files.h"

namespace attar::data {
namespace {

class TensorFileTest : public DataTest {
 protected:
  TensorFile open(const std::string& name, std::string_view bytes) const {
    auto file = TensorFile::open(put(name, bytes));
    EXPECT_TRUE(file) << file.error().describe();
    if (!file) std::abort();
    return *std::move(file);
  }
};

TEST_F(TensorFileTest, TensorsOfSafetensorsInTheOrderOfTheirBytes) {
  std::vector<MadeTensor> made;
  for (const TensorTypeWidth& type : tensor_types)
    made.push_back(
        make_tensor("t" + std::to_string(99 - made.size()), type, {3, 5}, TensorContent::weights, made.size()));
  made.push_back(make_tensor("scalar", {"F32", 4}, {}, TensorContent::weights, 1));
  made.push_back(make_tensor("empty", {"F16", 2}, {4, 0}, TensorContent::weights, 1));
  for (const bool reversed : {false, true}) {
    const auto file =
        open("m.bin", safetensors_file(made, {.metadata = R"({"format":"pt"})", .padding = 3, .reversed = reversed}));
    EXPECT_EQ(file.format(), TensorFormat::safetensors);
    EXPECT_EQ(tensor_format_name(file.format()), "safetensors");
    EXPECT_TRUE(file.note().empty());
    ASSERT_EQ(file.tensors().size(), made.size());
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < made.size(); ++i) {
      const FileTensor& tensor = file.tensors()[i];
      EXPECT_EQ(tensor.name, made[i].name);
      EXPECT_EQ(tensor.type, made[i].type);
      EXPECT_EQ(tensor.shape, made[i].shape);
      EXPECT_EQ(tensor.count() * tensor.element_bytes, made[i].bytes.size());
      EXPECT_TRUE(base::as_text(file.bytes_of(tensor)) == made[i].bytes) << tensor.name;
      EXPECT_GE(tensor.offset, end);
      end = tensor.offset + tensor.bytes;
      EXPECT_TRUE(tensor.exponent_bits == 0 ||
                  1 + tensor.exponent_bits + tensor.mantissa_bits == 8 * tensor.element_bytes);
      EXPECT_EQ(tensor.exponent_bits != 0, tensor.type.find('F') != std::string::npos) << tensor.type;
    }
    EXPECT_EQ(end, file.bytes().size());
  }
}

TEST_F(TensorFileTest, ArraysOfNumpy) {
  const std::string data(24, '\1');
  for (const std::uint8_t version : {std::uint8_t{1}, std::uint8_t{2}})
    for (const char* order : {"False", "True"}) {
      const auto file = open("weights.v1.npy", npy_file(npy_dictionary("<f4", "(2, 3)", order), data, version));
      EXPECT_EQ(file.format(), TensorFormat::npy);
      ASSERT_EQ(file.tensors().size(), 1u);
      const FileTensor& tensor = file.tensors()[0];
      EXPECT_EQ(tensor.name, "weights.v1");
      EXPECT_EQ(tensor.type, "<f4");
      EXPECT_EQ(tensor.exponent_bits, 8u);
      EXPECT_EQ(tensor.shape,
                order[0] == 'T' ? (std::vector<std::uint64_t>{3, 2}) : (std::vector<std::uint64_t>{2, 3}));
      EXPECT_EQ(base::as_text(file.bytes_of(tensor)), data);
    }
  for (const char* type : {"|b1", "|u1", "<i2", "<u8", "<f2", "<f8", "<c8", "|V2", "|V24"}) {
    const std::string_view width = std::string_view(type).substr(2);
    const auto file =
        open("a.npy", npy_file(npy_dictionary(type, "()"), data.substr(0, std::stoul(std::string(width)))));
    EXPECT_EQ(file.format(), TensorFormat::npy) << type << ' ' << file.note();
  }
}

TEST_F(TensorFileTest, AllElseIsBytes) {
  const std::string whole = safetensors_file({make_tensor("w", {"F32", 4}, {4, 4}, TensorContent::weights, 1)});
  for (const std::string& bytes : {std::string("x"), std::string("plain text"), std::string(9, '\0'),
                                   whole.substr(0, 40), std::string("GGML\3\0\0\0", 8)}) {
    const auto file = open("any.bin", bytes);
    EXPECT_EQ(file.format(), TensorFormat::bytes);
    EXPECT_TRUE(file.note().empty()) << file.note();
    ASSERT_EQ(file.tensors().size(), 1u);
    EXPECT_EQ(file.tensors()[0].name, "any.bin");
    EXPECT_EQ(file.tensors()[0].bytes, bytes.size());
  }
  EXPECT_TRUE(open("none", "").tensors().empty());
  EXPECT_FALSE(TensorFile::open(directory_ / "absent"));
  for (const char* type : {">f4", "|O", "<U3", "|S5", "<f400", "f4"}) {
    const auto file = open("a.npy", npy_file(npy_dictionary(type, "(3,)"), "123456789012"));
    EXPECT_EQ(file.format(), TensorFormat::bytes) << type;
    EXPECT_NE(file.note().find("taken as bytes"), std::string::npos) << type;
    ASSERT_EQ(file.tensors().size(), 1u);
    EXPECT_EQ(file.tensors()[0].bytes, file.bytes().size());
  }
  // What an index does not hold: axes beyond 8, and lengths beyond 63 bits.
  for (const char* shape : {"(1, 1, 1, 1, 1, 1, 1, 1, 3)", "(0, 9223372036854775808)"}) {
    const auto file = open("a.npy", npy_file(npy_dictionary("<f4", shape), shape[1] == '0' ? "" : "123456789012"));
    EXPECT_EQ(file.format(), TensorFormat::bytes) << shape;
    EXPECT_NE(file.note().find("ax"), std::string::npos) << file.note();
  }
}

TEST_F(TensorFileTest, HeadersForNumpy) {
  struct Case {
    const char* type;
    unsigned bytes;
    std::vector<std::uint64_t> shape;
    std::uint64_t count;
    const char* descr;
    std::vector<std::uint64_t> wanted;
  };
  for (const Case& one : {Case{"F32", 4, {2, 3}, 6, "<f4", {2, 3}}, Case{"BF16", 2, {5}, 5, "|V2", {5}},
                          Case{"F8_E4M3", 1, {}, 1, "|V1", {}}, Case{"BOOL", 1, {0, 4}, 0, "|b1", {0, 4}},
                          Case{"<i8", 8, {7, 1, 1}, 7, "<i8", {7, 1, 1}}, Case{"Q4_0", 18, {4, 64}, 8, "|V18", {8}}}) {
    const std::string header = npy_header_of(one.type, one.bytes, one.count, one.shape);
    EXPECT_EQ(header.size() % 64, 0u);
    EXPECT_EQ(header.back(), '\n');
    const auto read = parse_npy_header(std::string_view(header).substr(10));
    ASSERT_TRUE(read) << one.type << ' ' << read.error().describe();
    EXPECT_EQ(read->descr, one.descr);
    EXPECT_EQ(read->shape, one.wanted) << one.type;
    EXPECT_FALSE(read->fortran_order);
  }
}

}  // namespace
}  // namespace attar::data
