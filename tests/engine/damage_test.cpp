// Whole artifacts with a bit flipped or their end cut off: opening, searching and decoding them gives a typed error or
// the answers of the sound file. (The container's own checks: tests/format. Hostile bytes behind right checksums:
// tests/codec and fuzz/.)
#include <fmt/format.h>

#include "attar/documents.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t dims = 16;

// All that a reader can ask of a file.
struct Answers {
  std::vector<std::vector<SearchHit>> hits, exact;
  std::vector<float> decoded;
  std::vector<std::string> ids;
  std::vector<std::string> in_words;

  friend bool operator==(const Answers&, const Answers&) = default;
};

// A question of every leg, with a phrase; each answer with all that it says.
Result<std::vector<std::string>> ask_in_words(const Artifact& artifact) {
  std::vector<std::string> out;
  if (!holds_texts(artifact)) return out;
  const std::vector<std::string> questions = {"rotation of keys", "who loses \"a key\"", "a red lamp"};
  ATTAR_ASSIGN(const auto search, TextSearch::open(artifact));
  ATTAR_ASSIGN(const auto found, search.ask(questions, {.where = "line > 0 or price < 100", .diverse = true}));
  for (const auto& answers : found.of)
    for (const Answer& one : answers)
      out.push_back(fmt::format("{} {} {} {} {} {} {} {} {}", one.row, one.document, one.score, one.path, one.title,
                                one.heading, one.id, one.line, one.snippet));
  return out;
}

Result<Answers> ask(std::span<const std::byte> bytes, std::span<const float> queries) {
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open_bytes(bytes));
  Answers out;
  // A flipped count of rows or dimensions must not pass, so that these cannot ask for much.
  out.decoded.resize(std::min<std::uint64_t>(artifact.rows() * artifact.dims(), 1u << 24));
  ATTAR_TRY(artifact.decode(0, out.decoded));
  ATTAR_ASSIGN(auto found, artifact.search(queries, {.k = 10}));
  out.hits = std::move(found.hits);
  ATTAR_ASSIGN(const auto info, artifact.info());
  if (!info.originals.empty()) {
    ATTAR_ASSIGN(auto exact, artifact.search(queries, {.k = 10, .exact = true}));
    out.exact = std::move(exact.hits);
  }
  for (std::uint32_t row = 0; row < artifact.rows(); ++row) {
    ATTAR_ASSIGN(auto id, artifact.id(row));
    out.ids.push_back(std::move(id));
  }
  ATTAR_ASSIGN(out.in_words, ask_in_words(artifact));
  return out;
}

bool is_typed(const Error& error) {
  const bool damage = error.code == ErrorCode::corrupt || error.code == ErrorCode::truncated ||
                      error.code == ErrorCode::too_new || error.code == ErrorCode::too_old ||
                      error.code == ErrorCode::unknown_codec || error.code == ErrorCode::over_limit;
  return damage && !error.message.empty();
}

class Damage : public EngineTest {
 protected:
  Bytes packed(std::uint64_t rows, const PackOptions& options) {
    const auto base = put_vectors("base.npy", clustered(rows, dims, 1), dims);
    const auto out = pack(base, at("a.attar"), options);
    EXPECT_TRUE(out && out->reachable) << error_of(out);
    const std::string bytes = read_whole(at("a.attar"));
    const auto view = std::as_bytes(std::span(bytes));
    return {view.begin(), view.end()};
  }
  // 16 KiB or a little less, with every kind of section.
  Bytes small(const std::string& codec) {
    Bytes out = packed(90, {.budget = parse_budget("16KiB").value(),
                            .ids = put_ids("ids.txt", 90),
                            .codec = codec,
                            .keep_originals = "f16",
                            .threads = 1});
    EXPECT_GT(out.size(), 8'000u) << codec;
    EXPECT_LE(out.size(), 16'384u) << codec;
    return out;
  }
  // The golden file of documents.
  Bytes documents() {
    const std::string bytes =
        read_whole(std::filesystem::path(ATTAR_SOURCE_DIR) / "tests" / "golden" / "documents-v1.attar");
    const auto view = std::as_bytes(std::span(bytes));
    const auto artifact = Artifact::open_bytes(view);
    EXPECT_TRUE(artifact) << error_of(artifact);
    if (artifact) queries_ = clustered(3, artifact->dims(), 2);
    return {view.begin(), view.end()};
  }
  // Every `stride`-th bit from `first` on.
  void flip(Bytes bytes, std::uint64_t first, std::uint64_t stride) {
    const auto sound = ask(bytes, queries_);
    ASSERT_TRUE(sound) << error_of(sound);
    ASSERT_EQ(sound->ids.size() * queries_.size() / 3, sound->decoded.size());
    std::uint64_t refused = 0, tried = 0;
    for (std::uint64_t bit = first; bit < bytes.size() * 8; bit += stride) {
      const std::byte mask = std::byte{1} << (bit % 8);
      bytes[bit / 8] ^= mask;
      const auto answers = ask(bytes, queries_);
      bytes[bit / 8] ^= mask;
      ++tried;
      if (answers) {
        ASSERT_TRUE(*answers == *sound) << "bit " << bit << " of " << bytes.size() * 8 << " changed the answers";
      } else {
        ++refused;
        ASSERT_TRUE(is_typed(answers.error())) << "bit " << bit << ": " << answers.error().describe();
      }
    }
    EXPECT_GT(refused, tried / 2) << "most bits matter";
  }

  std::vector<float> queries_ = clustered(3, dims, 2);
};

TEST_F(Damage, BitsOfASmallFileOfEveryCodec) {
  std::uint64_t first = 0;
  for (const std::string& codec : codec_names()) {
    SCOPED_TRACE(codec);
    flip(small(codec), first++, 53);
  }
}

TEST_F(Damage, LongEveryBitOfASmallFileOfEveryCodec) {
  for (const std::string& codec : codec_names()) {
    SCOPED_TRACE(codec);
    flip(small(codec), 0, 1);
  }
}

TEST_F(Damage, BitsOfDocuments) { flip(documents(), 5, 211); }

TEST_F(Damage, LongEveryBitOfDocuments) { flip(documents(), 0, 1); }

// Sections of several blocks of checksums.
TEST_F(Damage, LongEverySixtyFirstBitOfALargerFile) {
  for (const auto& [codec, rows] : {std::pair{"lvq", 12'000u}, {"tcq", 13'000u}, {"f32", 3'900u}}) {
    SCOPED_TRACE(codec);
    const Bytes bytes = packed(rows, {.budget = parse_budget("256KiB").value(), .codec = codec, .threads = 1});
    EXPECT_GT(bytes.size(), 200'000u);
    EXPECT_LE(bytes.size(), 262'144u);
    flip(bytes, 0, 61);
  }
}

TEST_F(Damage, BitsOfALargerFile) {
  const Bytes bytes = packed(3'900, {.budget = parse_budget("256KiB").value(), .codec = "f32", .threads = 1});
  EXPECT_GT(bytes.size(), 200'000u);
  flip(bytes, 7, 61 * 61);
}

TEST_F(Damage, EveryShorterFileIsRefused) {
  for (const std::string& codec : codec_names()) {
    const Bytes bytes = small(codec);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto answers = ask(std::span(bytes).first(size), queries_);
      ASSERT_FALSE(answers) << codec << ": " << size << " of " << bytes.size();
      ASSERT_EQ(answers.error().code, ErrorCode::truncated) << size << ": " << answers.error().describe();
    }
  }
}

TEST_F(Damage, AFileWithBytesBehindItIsRefused) {
  Bytes bytes = small("lvq");
  for (int i = 0; i < 200; ++i) {
    bytes.push_back(std::byte{0});
    const auto answers = ask(bytes, queries_);
    ASSERT_FALSE(answers);
    EXPECT_EQ(answers.error().code, ErrorCode::corrupt);
  }
}

}  // namespace
}  // namespace attar::engine
