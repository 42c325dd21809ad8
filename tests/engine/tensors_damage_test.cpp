// Damaged and hostile artifacts of tensors: a typed error, or the bytes of the sound file; never others, never a crash.
#include <functional>
#include <unordered_map>

#include "attar/tensors.h"
#include "engine/golden_tensors.h"
#include "engine/support.h"
#include "format/container_bytes.h"
#include "format/reader.h"
#include "format/tensors.h"
#include "format/writer.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;
namespace raw = format::raw;
using Bytes = std::vector<std::byte>;
using format::SectionKind;
using format::TensorEntry;

bool is_typed(const Error& error) {
  const bool damage = error.code == ErrorCode::corrupt || error.code == ErrorCode::truncated ||
                      error.code == ErrorCode::too_new || error.code == ErrorCode::too_old ||
                      error.code == ErrorCode::unknown_codec || error.code == ErrorCode::over_limit ||
                      error.code == ErrorCode::unsupported;
  return damage && !error.message.empty();
}

// A damaged index may announce much: tensors beyond this are left unread.
constexpr std::uint64_t most_read = 1u << 20;

/// Every tensor that can be read, by its name; an error for the others.
using Read = std::vector<std::pair<std::string, Result<Bytes>>>;

Read read_all(const TensorArtifact& artifact) {
  Read out;
  for (std::size_t i = 0; i < artifact.size(); ++i) {
    const TensorInfo info = artifact.tensor(i);
    if (info.bytes <= most_read) out.emplace_back(info.source + ":" + info.name, artifact.read(i));
  }
  return out;
}

class TensorDamage : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    take(golden_tensors_path(".attar"));
    ASSERT_GT(wanted_.size(), 10u);
  }

  void take(const fs::path& path) {
    const std::string text = read_whole(path);
    const auto view = std::as_bytes(std::span(text));
    sound_.assign(view.begin(), view.end());
    const auto artifact = TensorArtifact::open_bytes(sound_);
    ASSERT_TRUE(artifact) << error_of(artifact);
    wanted_.clear();
    for (auto& [name, bytes] : read_all(*artifact)) {
      ASSERT_TRUE(bytes) << error_of(bytes);
      wanted_.emplace(name.substr(name.find(':')), *std::move(bytes));
    }
  }

  /// Errors are typed, and what is read is what was packed.
  void expect_sound_or_refused(const Bytes& bytes, const std::string& where) const {
    const auto artifact = TensorArtifact::open_bytes(bytes);
    if (!artifact) {
      ASSERT_TRUE(is_typed(artifact.error())) << where << ": " << error_of(artifact);
      return;
    }
    for (const auto& [name, read] : read_all(*artifact)) {
      if (!read) {
        ASSERT_TRUE(is_typed(read.error())) << where << ": " << error_of(read);
        continue;
      }
      const auto wanted = wanted_.find(name.substr(name.find(':')));
      ASSERT_NE(wanted, wanted_.end()) << where << ": " << name;
      ASSERT_TRUE(*read == wanted->second) << where << ": " << name;
    }
  }

  /// Flips every `stride`-th bit: each is refused by open() or found by verify().
  void flip(std::uint64_t first, std::uint64_t stride) {
    Bytes bytes = sound_;
    for (std::uint64_t bit = first; bit < bytes.size() * 8; bit += stride) {
      const std::byte mask = std::byte{1} << (bit % 8);
      bytes[bit / 8] ^= mask;
      const std::string where = "bit " + std::to_string(bit);
      expect_sound_or_refused(bytes, where);
      const auto artifact = TensorArtifact::open_bytes(bytes);
      if (artifact) {
        const Status verified = artifact->verify(1);
        ASSERT_FALSE(verified) << where << " is nobody's";
        ASSERT_TRUE(is_typed(verified.error())) << where << ": " << error_of(verified);
      }
      bytes[bit / 8] ^= mask;
      if (HasFatalFailure()) return;
    }
  }

  /// The sections of the sound file with another index or other sources, behind right checksums.
  Result<TensorArtifact> rebuilt(const std::function<void(std::vector<TensorEntry>&)>& change,
                                 const std::function<void(std::vector<format::SourceEntry>&)>& change_sources = {}) {
    ATTAR_ASSIGN(const auto reader, format::ArtifactReader::open_bytes(sound_));
    ATTAR_ASSIGN(const auto frames, reader.section(SectionKind::frames));
    ATTAR_ASSIGN(const auto tables, reader.section(SectionKind::tables));
    ATTAR_ASSIGN(const auto index, reader.section(SectionKind::tensors));
    ATTAR_ASSIGN(const auto source_section, reader.section(SectionKind::sources));
    ATTAR_ASSIGN(auto tensors, format::decode_tensors(index, frames.bytes().size(), {}));
    ATTAR_ASSIGN(auto sources, format::decode_sources(source_section, tensors, {}));
    change(tensors);
    if (change_sources) change_sources(sources);
    ATTAR_ASSIGN(auto writer, format::ArtifactWriter::create(at("built.attar"), {.certificate_bytes = 0}));
    ATTAR_TRY(writer.add({.kind = SectionKind::sources}, format::encode_sources(sources)));
    ATTAR_TRY(writer.add({.kind = SectionKind::tables}, tables.bytes()));
    ATTAR_TRY(writer.add({.kind = SectionKind::frames}, frames.bytes()));
    ATTAR_TRY(writer.add({.kind = SectionKind::tensors, .wire_version = format::tensors_wire_version},
                         format::encode_tensors(tensors)));
    ATTAR_TRY(writer.finish());
    return TensorArtifact::open(at("built.attar"));
  }

  /// Changes bytes of every section and makes the checksums right.
  void damage_sections(int rounds) const;

  Bytes sound_;
  std::unordered_map<std::string, Bytes> wanted_;
};

TEST_F(TensorDamage, FlippedBitsAreFound) { flip(3, 37); }

TEST_F(TensorDamage, LongEveryFlippedBitIsFound) { flip(0, 1); }

TEST_F(TensorDamage, EveryShorterFileIsRefused) {
  for (std::size_t size = 0; size < sound_.size(); ++size) {
    const auto artifact = TensorArtifact::open_bytes(std::span(sound_).first(size));
    ASSERT_FALSE(artifact) << size;
    ASSERT_EQ(artifact.error().code, ErrorCode::truncated) << size << ": " << error_of(artifact);
  }
  Bytes longer = sound_;
  longer.push_back(std::byte{0});
  expect_error(TensorArtifact::open_bytes(longer), ErrorCode::corrupt);
}

TEST_F(TensorDamage, FlippedBitsOfProgressiveTensorsAreFound) {
  take(golden_tensors_path("-progressive.attar"));
  flip(3, 149);
}

// Damage that the container's checksums do not find: what decodes is held against the tensors' own.
TEST_F(TensorDamage, DamageBehindRightChecksumsNeverGivesOtherBytes) { damage_sections(1500); }

// The same of refinements, which are held against the states that their list has, and of that list.
TEST_F(TensorDamage, DamageOfProgressiveTensorsNeverGivesOtherBytes) {
  take(fs::path(ATTAR_SOURCE_DIR) / "fuzz" / "corpus" / "tensors_fuzz" / "progressive.attar");
  damage_sections(300);
}

void TensorDamage::damage_sections(int rounds) const {
  const auto reader = format::ArtifactReader::open_bytes(sound_);
  ASSERT_TRUE(reader) << error_of(reader);
  base::Random random(5);
  for (const format::SectionEntry& section : reader->sections()) {
    if (section.length == 0) continue;
    for (int i = 0; i < rounds; ++i) {
      Bytes bytes = sound_;
      const std::uint64_t at = section.offset + random.below(section.length);
      const auto value = static_cast<std::byte>(random.below(256));
      bytes[at] = i % 2 == 0 ? value : bytes[at] ^ std::byte{1} << random.below(8);
      raw::seal_sections(bytes);
      const std::string where = section.name() + " at " + std::to_string(at);
      if (section.spec.kind != SectionKind::tensors && section.spec.kind != SectionKind::sources) {
        expect_sound_or_refused(bytes, where);
      } else if (const auto artifact = TensorArtifact::open_bytes(bytes); artifact) {
        for (const auto& [name, read] : read_all(*artifact))
          ASSERT_TRUE(read || is_typed(read.error())) << where << ": " << error_of(read);
      } else {
        ASSERT_TRUE(is_typed(artifact.error())) << where << ": " << error_of(artifact);
      }
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(TensorDamage, AnIndexThatLiesIsFound) {
  const auto same = rebuilt([](auto&) {});
  ASSERT_TRUE(same) << error_of(same);
  ATTAR_ASSERT_OK(same->verify(1));
  const std::size_t embed = same->find("embed").value(), norm = same->find("norm").value();
  const std::vector<std::pair<ErrorCode, std::function<void(TensorEntry&)>>> lies = {
      {ErrorCode::unknown_codec, [](TensorEntry& t) { t.codec_id = 0xbeef; }},
      {ErrorCode::too_new, [](TensorEntry& t) { t.wire_version = 9; }},
      {ErrorCode::too_old, [](TensorEntry& t) { t.wire_version = 0; }},
      {ErrorCode::corrupt, [](TensorEntry& t) { t.checksum ^= 1; }},
      {ErrorCode::corrupt, [](TensorEntry& t) { t.count -= t.columns; }}};
  for (std::size_t i = 0; i < lies.size(); ++i) {
    SCOPED_TRACE(i);
    const auto artifact = rebuilt([&](auto& tensors) { lies[i].second(tensors[embed]); });
    if (!artifact) {
      EXPECT_EQ(artifact.error().code, ErrorCode::corrupt) << error_of(artifact);
      continue;
    }
    expect_error(artifact->read(embed), lies[i].first);
    expect_error(artifact->verify(1), lies[i].first);
    EXPECT_TRUE(artifact->read(norm)) << "the others are read all the same";
  }
  // Frames of other places and lengths, and other blocks.
  const std::vector<std::function<void(TensorEntry&)>> misplaced = {
      [](TensorEntry& t) { t.frame_bytes -= 1; }, [](TensorEntry& t) { t.frame_offset += 1; },
      [](TensorEntry& t) { t.columns = t.block_elements = 64; }, [](TensorEntry& t) { t.block_elements = t.columns; }};
  for (std::size_t i = 0; i < misplaced.size(); ++i) {
    const auto artifact = rebuilt([&](auto& tensors) { misplaced[i](tensors[embed]); });
    if (!artifact) continue;
    const auto read = artifact->read(embed);
    ASSERT_FALSE(read) << i;
    EXPECT_TRUE(is_typed(read.error())) << i << ": " << error_of(read);
  }
  // Another tensor's frame.
  const auto swapped = rebuilt([&](auto& tensors) {
    std::swap(tensors[embed].frame_offset, tensors[norm].frame_offset);
    std::swap(tensors[embed].frame_bytes, tensors[norm].frame_bytes);
  });
  EXPECT_FALSE(swapped && swapped->read(embed));
  // A number of elements that no file has.
  const auto vast = rebuilt([&](auto& tensors) { tensors[norm].count = std::uint64_t{1} << 50; });
  EXPECT_FALSE(vast && vast->read(norm));
}

TEST_F(TensorDamage, NothingIsWrittenOutside) {
  for (const char* path : {"../outside", "/outside", "a/../../outside"}) {
    const auto artifact = rebuilt([](auto&) {}, [&](auto& sources) { sources[0].path = path; });
    ASSERT_TRUE(artifact) << error_of(artifact);
    expect_error(artifact->restore(at("in/back"), 1), ErrorCode::corrupt, {"leaves its folder"});
    expect_error(artifact->verify(1), ErrorCode::corrupt);
    EXPECT_FALSE(fs::exists(at("in/outside")) || fs::exists(at("outside")));
    EXPECT_TRUE(artifact->info().sources.empty());
  }
}

TEST_F(TensorDamage, ADamagedSourceIsNotRestored) {
  put("whole.attar", read_whole(golden_tensors_path(".attar")));
  std::string text = read_whole(at("whole.attar"));
  const auto reader = format::ArtifactReader::open_bytes(sound_);
  ASSERT_TRUE(reader) << error_of(reader);
  for (const SectionKind kind : {SectionKind::frames, SectionKind::sources}) {
    const auto* section = reader->find(kind);
    ASSERT_NE(section, nullptr);
    std::string damaged = text;
    damaged[section->offset + section->length / 2] ^= 4;
    const auto artifact = TensorArtifact::open(put("damaged.attar", damaged));
    ASSERT_TRUE(artifact) << error_of(artifact);
    fs::remove_all(at("back"));
    expect_error(artifact->restore(at("back"), 2), ErrorCode::corrupt);
    // Files before the damage may be there, whole; none is there in part.
    for (const auto& [name, bytes] : golden_tensor_files())
      EXPECT_TRUE(!fs::exists(at("back") / name) || read_whole(at("back") / name) == bytes) << name;
  }
}

}  // namespace
}  // namespace attar::engine
