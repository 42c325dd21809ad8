// tests/golden/tensors-v1.attar: a folder of two files of tensors and a text, written once, giving back the same bytes
// for ever. The version is that of the sections of tensors and of both codecs, which are all 1.
//
// What was packed is made by tests/engine/golden_tensors.h out of whole numbers alone. Beside the artifact stands, as
// JSON, what it holds: digests of the files, and each tensor with its codec. To write it where it is missing: run this
// binary with --gtest_filter=Golden* and ATTAR_WRITE_GOLDEN=1 in the environment.
#include "engine/golden_tensors.h"

#include <zstd.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "attar/tensors.h"
#include "base/hash.h"
#include "codec/tensors.h"
#include "engine/support.h"
#include "format/reader.h"
#include "format/tensors.h"
#include "format/writer.h"

namespace attar::engine {
namespace {

using Json = nlohmann::ordered_json;

std::string digest_of(std::string_view bytes) { return base::sha256(std::as_bytes(std::span(bytes))).hex(); }

using Bytes = std::vector<std::byte>;
using format::SectionKind;

std::filesystem::path seed_path(const char* name = "stored.attar") {
  return std::filesystem::path(ATTAR_SOURCE_DIR) / "fuzz" / "corpus" / "tensors_fuzz" / name;
}

// A compressed part (FORMAT.md) with its bytes in one raw block: RFC 8878, 3.1.1; a single segment, 4 bytes of length.
Bytes stored(base::ByteView part) {
  base::ByteReader in(part);
  const auto length = in.read<std::uint64_t>().value();
  Bytes content(length);
  EXPECT_EQ(ZSTD_decompress(content.data(), length, part.data() + sizeof length, part.size() - sizeof length), length);
  EXPECT_LT(length, 1u << 17);
  base::ByteWriter out;
  out.write(length);
  out.write(std::uint32_t{0xfd2f'b528});
  out.write(std::uint8_t{0xa0});
  out.write(static_cast<std::uint32_t>(length));
  const auto block = static_cast<std::uint32_t>(length << 3 | 1);
  for (unsigned byte = 0; byte < 3; ++byte) out.write(static_cast<std::uint8_t>(block >> 8 * byte & 255));
  out.write_bytes(content);
  return std::move(out).release();
}

class GoldenTensors : public EngineTest {
 protected:
  // What the file holds.
  Result<Json> ask(const TensorArtifact& artifact) const {
    ATTAR_TRY(artifact.verify(2));
    ATTAR_TRY(artifact.restore(at("back"), 2));
    const TensorsInfo info = artifact.info();
    Json out = {{"content_digest", info.content_digest}, {"sources", Json::array()}, {"tensors", Json::array()}};
    for (const std::string& source : info.sources)
      out["sources"].push_back({{"path", source}, {"sha256", digest_of(read_whole(at("back") / source))}});
    for (std::size_t i = 0; i < info.tensors.size(); ++i) {
      ATTAR_ASSIGN(const auto bytes, artifact.read(i));
      const TensorInfo& own = info.tensors[i];
      out["tensors"].push_back({{"source", own.source},
                                {"name", own.name},
                                {"type", own.type},
                                {"shape", own.shape},
                                {"codec", own.codec},
                                {"packed_bytes", own.packed_bytes},
                                {"sha256", base::sha256(bytes).hex()}});
    }
    return out;
  }

  /// The seed of fuzz/tensors_fuzz.cpp: the same sections, index and sources stored instead of compressed.
  Status write_seed(const std::filesystem::path& from, const std::filesystem::path& seed) const {
    if (std::filesystem::exists(seed)) return {};
    ATTAR_ASSIGN(const auto reader, format::ArtifactReader::open(from));
    std::filesystem::create_directories(seed.parent_path());
    ATTAR_ASSIGN(auto writer, format::ArtifactWriter::create(seed, {.certificate_bytes = 0}));
    for (const format::SectionEntry& entry : reader.sections()) {
      ATTAR_ASSIGN(const auto section, reader.section(entry.spec.kind));
      const bool part = entry.spec.kind == SectionKind::tensors || entry.spec.kind == SectionKind::sources ||
                        entry.spec.kind == SectionKind::order;
      ATTAR_TRY(writer.add(entry.spec,
                           part ? stored(section.bytes()) : Bytes(section.bytes().begin(), section.bytes().end())));
    }
    return writer.finish();
  }

  void write_missing() const {
    if (std::filesystem::exists(golden_tensors_path(".attar"))) return;
    for (const auto& [name, bytes] : golden_tensor_files()) {
      std::filesystem::create_directories((at("model") / name).parent_path());
      std::ofstream(at("model") / name, std::ios::binary) << bytes;
    }
    const auto packed = pack_tensors(at("model"), golden_tensors_path(".attar"), {.block_bytes = 4096, .threads = 1});
    ASSERT_TRUE(packed) << error_of(packed);
    const auto artifact = TensorArtifact::open(golden_tensors_path(".attar"));
    ASSERT_TRUE(artifact) << error_of(artifact);
    const auto answers = ask(*artifact);
    ASSERT_TRUE(answers) << error_of(answers);
    std::ofstream(golden_tensors_path(".json")) << answers->dump(1) << '\n';
  }
};

TEST_F(GoldenTensors, GiveTheSameBytesForEver) {
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr) write_missing();
  const Json expected = Json::parse(read_whole(golden_tensors_path(".json")));
  const auto artifact = TensorArtifact::open(golden_tensors_path(".attar"));
  ASSERT_TRUE(artifact) << error_of(artifact);
  const auto answers = ask(*artifact);
  ASSERT_TRUE(answers) << error_of(answers);
  EXPECT_EQ(answers->dump(1), expected.dump(1));
  // The same from the numbers that the files were made of, without the JSON.
  const auto files = golden_tensor_files();
  ASSERT_EQ((*answers)["sources"].size(), files.size());
  for (const auto& [name, bytes] : files) EXPECT_TRUE(read_whole(at("back") / name) == bytes) << name;
}

TEST_F(GoldenTensors, DifferencesGiveTheSameBytesForEver) {
  const auto path = golden_tensors_path("-later.attar");
  const std::string later = golden_later_head();
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path)) {
    const auto packed = pack_tensors(put("head.safetensors", later), path,
                                     {.block_bytes = 4096, .base = golden_tensors_path(".attar"), .threads = 1});
    ASSERT_TRUE(packed) << error_of(packed);
    ASSERT_EQ(packed->delta_tensors, 1u);
  }
  const auto artifact = TensorArtifact::open(path);
  ASSERT_TRUE(artifact) << error_of(artifact);
  EXPECT_EQ(artifact->tensor(0).codec, "delta");
  const auto restored = artifact->restore(at("back"), 1);
  ASSERT_TRUE(restored) << error_of(restored);
  EXPECT_TRUE(read_whole(at("back")) == later);
}

// Of a lossy codec the bytes that come back are those of its steps: the checksums in the file hold them fast. The file
// also says how far they are from the originals.
TEST_F(GoldenTensors, LossesAreTheSameForEver) {
  const auto source = put("model.safetensors", golden_tensor_files()[1].second),
             later = put("head.safetensors", golden_later_head());
  const auto path = golden_tensors_path("-lossy.attar"), moved = golden_tensors_path("-moved.attar");
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path)) {
    const auto pin = [](const char* text) { return *parse_tensor_pin(text); };
    const auto packed = pack_tensors(source, path,
                                     {.block_bytes = 4096,
                                      .loss = {.pins = {pin("embed=3bit"), pin("half=1e-3"), pin("was_half=9bit")}},
                                      .threads = 1});
    ASSERT_TRUE(packed) << error_of(packed);
    ASSERT_EQ(packed->lost.size(), 3u);
    const auto difference = pack_tensors(later, moved,
                                         {.block_bytes = 4096,
                                          .base = golden_tensors_path(".attar"),
                                          .loss = {.max_error = ErrorBound{.value = 0.01}},
                                          .threads = 1});
    ASSERT_TRUE(difference) << error_of(difference);
    ASSERT_EQ(difference->delta_tensors, 1u);
  }
  const std::pair<std::filesystem::path, std::filesystem::path> files[] = {{path, source}, {moved, later}};
  for (const auto& [file, original] : files) {
    const auto artifact = TensorArtifact::open(file);
    ASSERT_TRUE(artifact) << error_of(artifact);
    ATTAR_ASSERT_OK(artifact->verify(2));
    const auto compared = artifact->compare(original, 1);
    ASSERT_TRUE(compared) << error_of(compared);
    EXPECT_EQ(compared->lost.size(), file == path ? 3u : 1u);
  }
  EXPECT_EQ(TensorArtifact::open(moved)->tensor(0).codec, "moves");
}

TEST_F(GoldenTensors, RowsThatRepeatAreTheSameForEver) {
  auto other = golden_padded("head");
  other.bytes[0] ^= 1;
  const auto source = put("model.safetensors", data::safetensors_file({golden_padded("embed"), other}));
  const auto path = golden_tensors_path("-rows.attar");
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path)) {
    const auto packed = pack_tensors(
        source, path, {.block_bytes = 4096, .loss = {.pins = {*parse_tensor_pin("head=4bit")}}, .threads = 1});
    ASSERT_TRUE(packed) << error_of(packed);
  }
  const auto artifact = TensorArtifact::open(path);
  ASSERT_TRUE(artifact) << error_of(artifact);
  ATTAR_ASSERT_OK(artifact->verify(2));
  EXPECT_EQ(artifact->tensor(0).codec, "rows");
  EXPECT_EQ(artifact->tensor(1).codec, "step-rows");
  EXPECT_EQ(base::as_text(artifact->read(0).value()), golden_padded("embed").bytes);
  const auto compared = artifact->compare(source, 1);
  ASSERT_TRUE(compared) << error_of(compared);
  EXPECT_EQ(compared->lost.size(), 1u);
}

// A table by frequency, a few of its rows repeating, and a matrix along no trellis.
TEST_F(GoldenTensors, FinerRowsAreTheSameForEver) {
  const auto source =
      put("model.safetensors", data::safetensors_file({golden_padded("embed"), golden_bell("head", 50, 96, 11)}));
  const auto path = golden_tensors_path("-finer.attar");
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path)) {
    std::string counts;
    for (int i = 0; i < 90; ++i) counts += std::to_string(i % 7 == 0 ? 4000 / (i + 1) : i % 5) + "\n";
    const auto packed =
        pack_tensors(source, path,
                     {.block_bytes = 4096,
                      .loss = {.pins = {*parse_tensor_pin("embed=4bit"), *parse_tensor_pin("head=8bit")},
                               .frequencies = put("counts.txt", counts)},
                      .threads = 1});
    ASSERT_TRUE(packed) << error_of(packed);
  }
  const auto artifact = TensorArtifact::open(path);
  ASSERT_TRUE(artifact) << error_of(artifact);
  ATTAR_ASSERT_OK(artifact->verify(2));
  EXPECT_EQ(artifact->tensor(0).codec, "step-rows");
  const auto compared = artifact->compare(source, 1);
  ASSERT_TRUE(compared) << error_of(compared);
  EXPECT_EQ(compared->lost.size(), 2u);
}

// A table of which rows are kept, once without loss and zeros in the place of others, and once with.
TEST_F(GoldenTensors, KeptRowsAreTheSameForEver) {
  const auto source = put("model.safetensors",
                          data::safetensors_file({golden_bell("embed", 90, 96, 12), golden_bell("head", 90, 96, 13)}));
  const auto path = golden_tensors_path("-kept.attar");
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path)) {
    std::string numbers;
    for (int i = 0; i < 90; ++i)
      if (i / 10 % 3 != 1) numbers += std::to_string(i) + "\n";
    const auto rows = put("rows.txt", numbers);
    const auto packed = pack_tensors(source, path,
                                     {.block_bytes = 4096,
                                      .loss = {.pins = {*parse_tensor_pin("head=4bit")}},
                                      .trim = {.rows = {{.pattern = "*", .rows = rows}}},
                                      .threads = 1});
    ASSERT_TRUE(packed) << error_of(packed);
  }
  const auto artifact = TensorArtifact::open(path);
  ASSERT_TRUE(artifact) << error_of(artifact);
  ATTAR_ASSERT_OK(artifact->verify(2));
  EXPECT_EQ(artifact->tensor(0).dropped_rows, 30u);
  const auto compared = artifact->compare(source, 1);
  ASSERT_TRUE(compared) << error_of(compared);
  EXPECT_EQ(compared->lost.size(), 1u);
  EXPECT_EQ(compared->trimmed.size(), 2u);
}

// Of a progressive artifact every cut comes back as it did: the checksums of all its states stand in it.
TEST_F(GoldenTensors, CutsAreTheSameForEver) {
  const auto source = put("model.safetensors", golden_tensor_files()[1].second);
  const auto path = golden_tensors_path("-progressive.attar"), seed = seed_path("progressive.attar");
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path)) {
    const auto packed = pack_tensors(source, path, {.loss = {.progressive = true}, .threads = 1});
    ASSERT_TRUE(packed) << error_of(packed);
    ATTAR_ASSERT_OK(write_seed(path, seed));
  }
  for (const auto& file : {path, seed}) {
    const double bytes = static_cast<double>(std::filesystem::file_size(file));
    double last = HUGE_VAL;
    for (const double share : {0.6, 0.7, 0.8, 0.9, 1.0}) {
      auto artifact = TensorArtifact::open(file);
      ASSERT_TRUE(artifact) << error_of(artifact);
      ATTAR_ASSERT_OK(artifact->cut({.value = std::floor(share * bytes)}));
      ATTAR_ASSERT_OK(artifact->verify(2));
      const auto compared = artifact->compare(source, 1);
      ASSERT_TRUE(compared) << error_of(compared);
      EXPECT_EQ(compared->lost.size(), 5u);
      EXPECT_LT(compared->weighed_error, last);
      last = compared->weighed_error;
    }
    EXPECT_EQ(TensorArtifact::open(file)->tensor(0).codec, "refined");
  }
}

TEST_F(GoldenTensors, SeedsOfFuzzingHoldTheSame) {
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr)
    ATTAR_ASSERT_OK(write_seed(golden_tensors_path(".attar"), seed_path()));
  const auto artifact = TensorArtifact::open(seed_path());
  ASSERT_TRUE(artifact) << error_of(artifact);
  ATTAR_ASSERT_OK(artifact->verify(1));
  const auto restored = artifact->restore(at("back"), 1);
  ASSERT_TRUE(restored) << error_of(restored);
  for (const auto& [name, bytes] : golden_tensor_files()) EXPECT_TRUE(read_whole(at("back") / name) == bytes) << name;
}

TEST_F(GoldenTensors, HoldEveryKindOfTensor) {
  const auto artifact = TensorArtifact::open(golden_tensors_path(".attar"));
  ASSERT_TRUE(artifact) << error_of(artifact);
  std::set<std::string> codecs;
  for (const TensorInfo& tensor : artifact->info().tensors) codecs.insert(tensor.codec);
  for (const codec::TensorCodec* codec : codec::tensor_registry()) {
    // Those that need a base stand in tensors-v1-later.attar, lossy ones in -lossy, -moved and -progressive, rows in
    // -rows.
    if (codec->needs_base() || codec->lossy() || codec->info().name == "rows") continue;
    EXPECT_TRUE(codecs.contains(std::string(codec->info().name))) << codec->info().name;
  }
}

// Whoever raises a version writes another file, and keeps this one.
TEST(GoldenTensorsVersions, AreThoseThatThisBuildWrites) {
  EXPECT_EQ(format::tensors_wire_version, 1);
  for (const codec::TensorCodec* codec : codec::tensor_registry()) EXPECT_EQ(codec->info().wire_max, 1);
}

}  // namespace
}  // namespace attar::engine
