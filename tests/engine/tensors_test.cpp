// Artifacts of tensors: whatever the files hold, they come back to the byte by every path; and how they are packed.
#include "attar/tensors.h"

#include <fmt/format.h>

#include "data/npy.h"
#include "data/tensor_files.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;
using data::MadeTensor;
using data::make_tensor;
using data::safetensors_file;
using data::TensorContent;

constexpr data::TensorTypeWidth f32{"F32", 4}, bf16{"BF16", 2};

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Tensors : public EngineTest {
 protected:
  fs::path put_in(const std::string& name, std::string_view bytes) const {
    fs::create_directories(at(name).parent_path());
    return put(name, bytes);
  }

  /// Packs, opens, and holds the artifact against what any is to be: sound, small, and of the stated sizes.
  TensorArtifact packed(const fs::path& input, const PackTensorsOptions& options = {.threads = 2}) const {
    const auto report = pack_tensors(input, at("a.attar"), options);
    EXPECT_TRUE(report) << error_of(report);
    auto opened = TensorArtifact::open(at("a.attar"));
    EXPECT_TRUE(opened) << error_of(opened);
    if (!report || !opened) std::abort();
    report_ = *report;
    EXPECT_EQ(report->bytes, fs::file_size(at("a.attar")));
    EXPECT_LE(report->bytes,
              report->source_bytes + report->source_bytes / (options.block_bytes < 16'384 ? 300 : 1000) + 1400);
    const auto verified = opened->verify(2);
    EXPECT_TRUE(verified) << error_of(verified);
    const TensorsInfo info = opened->info();
    EXPECT_EQ(info.source_bytes, report->source_bytes);
    EXPECT_EQ(info.tensors.size(), report->tensors);
    EXPECT_EQ(sum_of(info.parts), report->bytes);
    return *std::move(opened);
  }

  void expect_restored(const TensorArtifact& artifact, const fs::path& source, unsigned threads = 2) const {
    fs::remove_all(at("back"));
    const auto report = artifact.restore(at("back"), threads);
    ASSERT_TRUE(report) << error_of(report);
    EXPECT_EQ(report->bytes, fs::file_size(at("back")));
    ASSERT_TRUE(read_whole(at("back")) == read_whole(source)) << source;
  }

  /// The tensor by its number, and as .npy, whose header numpy reads as the tensor's shape.
  void expect_tensor(const TensorArtifact& artifact, const MadeTensor& tensor) const {
    const auto number = artifact.find(tensor.name);
    ASSERT_TRUE(number) << error_of(number);
    const auto bytes = artifact.read(*number, *number % 2 == 0 ? 1 : 3);
    ASSERT_TRUE(bytes) << error_of(bytes);
    ASSERT_TRUE(text_of(*bytes) == tensor.bytes) << tensor.name << ' ' << tensor.type;
    const TensorInfo info = artifact.tensor(*number);
    EXPECT_EQ(info.shape, tensor.shape);
    EXPECT_EQ(info.type, tensor.type);
    EXPECT_EQ(info.bytes, tensor.bytes.size());
    ATTAR_ASSERT_OK(artifact.save_npy(*number, at("t.npy")));
    const std::string file = read_whole(at("t.npy"));
    ASSERT_EQ(file.substr(0, 6), data::npy_magic);
    const auto length = static_cast<std::size_t>(base::load<std::uint16_t>(std::as_bytes(std::span(file)).data() + 8));
    EXPECT_EQ((10 + length) % 64, 0u);
    const auto header = data::parse_npy_header(file.substr(10, length));
    ASSERT_TRUE(header) << error_of(header);
    EXPECT_EQ(header->shape, tensor.shape);
    EXPECT_FALSE(header->fortran_order);
    ASSERT_TRUE(file.substr(10 + length) == tensor.bytes);
  }

  mutable PackTensorsReport report_;
};

TEST_F(Tensors, EveryTypeAndContentComesBackByEveryPath) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(seed);
    const auto tensors = data::tensors_of_all_kinds(seed);
    const auto path = put("m.safetensors", safetensors_file(tensors, {.metadata = seed % 2 == 0 ? "" : R"({"b":"1"})",
                                                                      .metadata_last = seed % 3 == 0,
                                                                      .padding = static_cast<unsigned>(5 * seed),
                                                                      .reversed = seed % 4 > 1}));
    const auto artifact = packed(path, {.block_bytes = seed < 3 ? 4096u : 65'536u, .threads = 2});
    EXPECT_EQ(report_.tensors, tensors.size());
    EXPECT_TRUE(report_.notes.empty());
    expect_restored(artifact, path);
    for (const MadeTensor& tensor : tensors) expect_tensor(artifact, tensor);
  }
}

TEST_F(Tensors, BlocksOfEverySizeGiveTheSameBytes) {
  const auto path =
      put("m.safetensors", safetensors_file({make_tensor("w", f32, {700, 384}, TensorContent::weights, 1),
                                             make_tensor("row", f32, {1, 300'001}, TensorContent::weights, 2),
                                             make_tensor("long", bf16, {262'147}, TensorContent::weights, 3),
                                             make_tensor("n", {"I64", 8}, {30'001}, TensorContent::weights, 4)}));
  for (const std::uint64_t block : {4096u, 65'536u, 100'000u, 1u << 20, 8u << 20}) {
    SCOPED_TRACE(block);
    const auto artifact = packed(path, {.block_bytes = block, .threads = 2});
    expect_restored(artifact, path, 3);
    EXPECT_LT(report_.bytes, report_.source_bytes * 95 / 100);
  }
  for (const std::uint64_t block : {0ull, 4095ull, (1ull << 26) + 1})
    expect_error(pack_tensors(path, at("x.attar"), {.block_bytes = block}), ErrorCode::invalid_argument, {"4096"});
}

TEST_F(Tensors, AnyNumberOfThreadsWritesTheSameArtifact) {
  auto tensors = data::tensors_of_all_kinds(7);
  tensors.push_back(make_tensor("large", bf16, {900, 512}, TensorContent::weights, 8));
  const auto path = put("m.safetensors", safetensors_file(tensors));
  std::string first;
  for (const unsigned threads : {1u, 2u, 5u}) {
    const auto artifact = packed(path, {.block_bytes = 65'536, .threads = threads});
    const std::string bytes = read_whole(at("a.attar"));
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << threads;
    expect_restored(artifact, path, threads);
  }
}

TEST_F(Tensors, NoiseGrowsByLittle) {
  const auto path = put("m.safetensors", safetensors_file({make_tensor("w", f32, {2000, 512}, TensorContent::noise, 1),
                                                           make_tensor("b", bf16, {512}, TensorContent::noise, 2)}));
  for (const std::uint64_t block : {4096u, 16'384u, 262'144u}) packed(path, {.block_bytes = block});
  const auto raw = put("noise.bin", read_whole(path).substr(500));
  packed(raw);
}

TEST_F(Tensors, ManySmallTensorsCostTheirEntries) {
  std::vector<MadeTensor> tensors;
  base::Random random(4);
  for (std::uint64_t i = 0; i < 400; ++i) {
    tensors.push_back(make_tensor("t" + std::to_string(i), f32, {i % 3}, TensorContent::noise, i));
    put_in("small/" + std::to_string(random.next()), std::string(1, static_cast<char>(i)));
  }
  for (const auto& input : {put("m.safetensors", safetensors_file(tensors)), at("small")}) {
    const auto report = pack_tensors(input, at("a.attar"));
    ASSERT_TRUE(report) << error_of(report);
    EXPECT_LE(report->bytes, report->source_bytes + report->source_bytes / 1000 + 1400 + 50 * report->tensors);
  }
}

TEST_F(Tensors, WeightsBecomeSmaller) {
  const auto share = [&](const MadeTensor& tensor) {
    packed(put("m.safetensors", safetensors_file({tensor})));
    return static_cast<double>(report_.bytes) / static_cast<double>(report_.source_bytes);
  };
  EXPECT_LT(share(make_tensor("w", bf16, {1500, 512}, TensorContent::weights, 1)), 0.70);
  EXPECT_LT(share(make_tensor("w", f32, {1500, 512}, TensorContent::weights, 1)), 0.86);
  EXPECT_LT(share(make_tensor("w", f32, {1500, 512}, TensorContent::was_bf16, 1)), 0.37);
  EXPECT_LT(share(make_tensor("w", f32, {1500, 512}, TensorContent::was_half, 1)), 0.46);
  EXPECT_LT(share(make_tensor("w", f32, {1500, 512}, TensorContent::zeros, 1)), 0.02);
}

TEST_F(Tensors, TensorsOfTheSameBytesShareAFrame) {
  MadeTensor embedding = make_tensor("embed", bf16, {400, 256}, TensorContent::weights, 1), head = embedding;
  head.name = "head";
  const auto other = make_tensor("other", bf16, {400, 256}, TensorContent::weights, 2);
  const auto path = put("m.safetensors", safetensors_file({embedding, other, head}));
  const auto artifact = packed(path);
  EXPECT_EQ(report_.shared_tensors, 1u);
  EXPECT_LT(report_.bytes, 3 * embedding.bytes.size() / 2);
  expect_restored(artifact, path);
  for (const MadeTensor& tensor : {embedding, other, head}) expect_tensor(artifact, tensor);
  // The same file twice costs its index alone.
  const std::uint64_t once = report_.bytes;
  put_in("two/a.safetensors", read_whole(path));
  put_in("two/b.safetensors", read_whole(path));
  const auto both = packed(at("two"));
  EXPECT_EQ(report_.shared_tensors, 4u);
  EXPECT_LT(report_.bytes, once + 1000);
}

TEST_F(Tensors, RowsThatRepeatAreStoredOnce) {
  for (const data::TensorTypeWidth& type : {f32, bf16})
    for (const std::uint64_t block : {4096u, 262'144u}) {
      auto table = make_tensor("embed", type, {3000, 96}, TensorContent::weights, 1);
      const auto kept = make_tensor("embed", type, {2000, 96}, TensorContent::weights, 1);
      data::repeat_row(table, 17, 2000, 2900);
      data::repeat_row(table, 2900, 2901, 3000);
      packed(put("kept.safetensors", safetensors_file({kept})), {.block_bytes = block});
      const std::uint64_t least = report_.bytes;
      const auto path = put("m.safetensors", safetensors_file({table}));
      const auto artifact = packed(path, {.block_bytes = block});
      EXPECT_LT(report_.bytes, least + 16 * (3000 * 96 * type.bytes / block + 1) + 600);
      EXPECT_EQ(artifact.tensor(0).codec, "rows");
      expect_restored(artifact, path);
      expect_tensor(artifact, table);
    }
}

TEST_F(Tensors, ArraysOfNumpyAndRawFiles) {
  const auto tensor = make_tensor("w", f32, {120, 70}, TensorContent::weights, 1);
  for (const char* order : {"False", "True"}) {
    const auto path = put("w.npy", data::npy_file(data::npy_dictionary("<f4", "(120, 70)", order), tensor.bytes));
    const auto artifact = packed(path);
    expect_restored(artifact, path);
    ASSERT_EQ(artifact.size(), 1u);
    const TensorInfo info = artifact.tensor(0);
    EXPECT_EQ(info.name, "w");
    EXPECT_EQ(info.type, "<f4");
    EXPECT_EQ(text_of(artifact.read(0).value()), tensor.bytes);
  }
  for (const std::string& bytes : {std::string(), std::string("x"), std::string(70'000, 'a'), std::string("{}\0\1", 4),
                                   make_tensor("n", f32, {5000}, TensorContent::noise, 3).bytes}) {
    const auto path = put("raw.bin", bytes);
    fs::resize_file(path, bytes.size());
    const auto artifact = packed(path);
    expect_restored(artifact, path);
    EXPECT_EQ(artifact.size(), bytes.empty() ? 0u : 1u);
    EXPECT_TRUE(report_.notes.empty());
  }
  const auto empty = put("none.npy", data::npy_file(data::npy_dictionary("<f8", "(0, 5)"), ""));
  expect_restored(packed(empty), empty);
  const auto no_tensors = put("none.safetensors", safetensors_file({}, {.metadata = R"({"a":"b"})"}));
  expect_restored(packed(no_tensors), no_tensors);
}

TEST_F(Tensors, FoldersComeBackWithTheirSubfolders) {
  const auto w1 = make_tensor("w", bf16, {100, 64}, TensorContent::weights, 1);
  const auto w2 = make_tensor("w", bf16, {100, 64}, TensorContent::weights, 2);
  const auto only = make_tensor("only", f32, {33}, TensorContent::weights, 3);
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"config.json", R"({"layers":2})"},
      {"model-1.safetensors", safetensors_file({w1, only})},
      {"model-2.safetensors", safetensors_file({w2})},
      {"sub/deep/empty", ""},
      {"sub/notes \xC3\xA4.txt", "notes"}};
  for (const auto& [name, bytes] : wanted) put_in("model/" + name, bytes);
  const auto artifact = packed(at("model"));
  EXPECT_EQ(report_.sources, wanted.size());
  std::vector<std::string> sources;
  sources.reserve(wanted.size());
  for (const auto& [name, bytes] : wanted) sources.push_back(name);
  EXPECT_EQ(artifact.info().sources, sources);
  const auto report = artifact.restore(at("back"), 2);
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_EQ(report->sources, wanted.size());
  for (const auto& [name, bytes] : wanted) EXPECT_TRUE(read_whole(at("back") / name) == bytes) << name;

  expect_error(artifact.find("w"), ErrorCode::invalid_argument, {"2 sources", "model-1.safetensors:w"});
  EXPECT_EQ(text_of(artifact.read(artifact.find("model-1.safetensors:w").value()).value()), w1.bytes);
  EXPECT_EQ(text_of(artifact.read(artifact.find("model-2.safetensors:w").value()).value()), w2.bytes);
  EXPECT_EQ(text_of(artifact.read(artifact.find("only").value()).value()), only.bytes);
  EXPECT_EQ(artifact.tensor(artifact.find("only").value()).source, "model-1.safetensors");
  for (const char* name : {"v", "model-3.safetensors:w", "", "model-2.safetensors:only"})
    expect_error(artifact.find(name), ErrorCode::invalid_argument, {"there is no tensor"});
}

TEST_F(Tensors, FilesThatBreakTheirFormatAreBytes) {
  const std::string whole = safetensors_file({make_tensor("w", f32, {40, 64}, TensorContent::weights, 1)});
  std::string overlong = whole + "x", unknown = whole, axes(" ", 1);
  unknown.replace(unknown.find("F32"), 3, "F99");
  for (int i = 0; i < 12; ++i) axes += "1, ";
  const std::string huge = R"({"w":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}})";
  std::string length(8, '\0');
  length[0] = static_cast<char>(huge.size());
  for (const auto& [name, bytes] : std::vector<std::pair<std::string, std::string>>{
           {"cut.safetensors", whole.substr(0, whole.size() - 1)},
           {"overlong.safetensors", overlong},
           {"unknown.safetensors", unknown},
           {"huge.safetensors", length + huge},
           {"objects.npy", data::npy_file(data::npy_dictionary("|O", "(3,)"), "123")},
           {"short.npy", data::npy_file(data::npy_dictionary("<f4", "(3,)"), "123")},
           {"axes.npy", data::npy_file(data::npy_dictionary("<f4", "(" + axes + ")"), "1234")}}) {
    SCOPED_TRACE(name);
    const auto path = put(name, bytes);
    const auto artifact = packed(path);
    ASSERT_EQ(report_.notes.size(), 1u);
    EXPECT_NE(report_.notes[0].find(name), std::string::npos) << report_.notes[0];
    EXPECT_NE(report_.notes[0].find("taken as bytes"), std::string::npos) << report_.notes[0];
    expect_restored(artifact, path);
    EXPECT_EQ(artifact.tensor(0).type, "bytes");
  }
}

TEST_F(Tensors, WrongUseIsRefused) {
  expect_error(pack_tensors(at("none.safetensors"), at("x.attar")), ErrorCode::io, {"none.safetensors"});
  fs::create_directories(at("empty/sub"));
  expect_error(pack_tensors(at("empty"), at("x.attar")), ErrorCode::invalid_data, {"holds no file"});
  put_in("names/bad\xFF.bin", "x");
  expect_error(pack_tensors(at("names"), at("x.attar")), ErrorCode::invalid_argument, {"UTF-8"});
  EXPECT_FALSE(fs::exists(at("x.attar")));

  const auto base = put_vectors("base.npy", clustered(1200, 16, 1), 16);
  const auto vectors = pack(base, at("v.attar"), {.budget = parse_budget("60B/vec").value(), .codec = "lvq"});
  ASSERT_TRUE(vectors && vectors->reachable) << error_of(vectors);
  expect_error(TensorArtifact::open(at("v.attar")), ErrorCode::unsupported, {"attar info"});
  EXPECT_FALSE(is_tensor_artifact(at("v.attar")));
  const auto path = put("m.safetensors", safetensors_file({make_tensor("w", f32, {9, 9}, TensorContent::weights, 1)}));
  const auto artifact = packed(path);
  EXPECT_TRUE(is_tensor_artifact(at("a.attar")));
  EXPECT_FALSE(is_tensor_artifact(path));
  EXPECT_FALSE(is_tensor_artifact(at("nothing")));
  expect_error(Artifact::open(at("a.attar")), ErrorCode::unsupported, {"tensors"});

  auto small = TensorArtifact::open(at("a.attar"), {.limits = {.max_tensor_bytes = 323}});
  ASSERT_TRUE(small) << error_of(small);
  expect_error(small->read(0), ErrorCode::over_limit, {"'w'", "323"});
  ATTAR_ASSERT_OK(small->save_npy(0, at("w.npy")));
  EXPECT_TRUE(holds_tensors(path));
  EXPECT_FALSE(holds_tensors(base));
  EXPECT_TRUE(holds_tensors(folder_));
  EXPECT_FALSE(holds_tensors(at("empty")));
  EXPECT_FALSE(holds_tensors(at("nothing")));
}

// Says "stop" from the n-th time that it is asked.
class StopAfter final : public Progress {
 public:
  explicit StopAfter(int calls) : left_(calls) {}
  void stage(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  [[nodiscard]] bool cancelled() const noexcept override { return left_-- <= 0; }

 private:
  mutable std::atomic<int> left_;
};

TEST_F(Tensors, StopsAtAnyMomentAndLeavesNothing) {
  const auto path = put("m.safetensors", safetensors_file(data::tensors_of_all_kinds(3)));
  const auto artifact = packed(path, {.block_bytes = 4096});
  put("out.attar", "what was there");
  const auto before = files();
  bool finished = false;
  for (int calls = 0; !finished; calls += 1 + calls / 8) {
    StopAfter packing(calls), restoring(calls), verifying(calls);
    const auto one = pack_tensors(path, at("out.attar"), {.block_bytes = 4096, .threads = 2, .progress = &packing});
    const auto two = artifact.restore(at("back"), 2, &restoring);
    const Status three = artifact.verify(2, &verifying);
    finished = one && two && three;
    if (!one) {
      expect_error(one, ErrorCode::cancelled);
      EXPECT_EQ(read_whole(at("out.attar")), "what was there");
    }
    if (!two) expect_error(two, ErrorCode::cancelled);
    if (!three) expect_error(three, ErrorCode::cancelled);
    if (!one && !two) {
      EXPECT_EQ(files(), before) << calls;
    }
  }
}

}  // namespace
}  // namespace attar::engine
