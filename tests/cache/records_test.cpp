// The bytes of records, what crashes leave, and what damage does.
#include "cache/records.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/hash.h"
#include "base/random.h"
#include "cache/normal.h"
#include "cache/state.h"

namespace attar::cache {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t dims = 8;

Settings settings() {
  return {.error = 0.05,
          .seed = 7,
          .max_bytes = 1 << 20,
          .max_entries = 100,
          .dims = dims,
          .digest = std::string(64, 'a'),
          .encoder = "test"};
}

void append(Bytes& out, const Record& record) {
  const Bytes bytes = bytes_of(record);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// A record of these bytes with checksums that hold.
Bytes forge(std::uint32_t kind, const Bytes& payload) {
  base::ByteWriter out;
  out.write(static_cast<std::uint32_t>(payload.size()));
  out.write(kind);
  out.write(base::checksum(out.bytes()));
  out.write(base::checksum(payload));
  out.write_bytes(payload);
  return std::move(out).release();
}

std::vector<std::int8_t> some_vector(base::Random& random, std::uint64_t topic) {
  std::vector<std::int8_t> out(dims);
  for (std::size_t i = 0; i < dims; ++i) out[i] = static_cast<std::int8_t>(random.below(30));
  out[topic % dims] = 120;
  return out;
}

// A state with a history, and the bytes of that history.
struct History {
  State state{settings()};
  Bytes bytes = file_header();
  std::vector<std::size_t> ends;  // of its records

  explicit History(int prompts, std::uint64_t seed = 1) {
    base::Random random(seed);
    take(settings());
    for (int i = 0; i < prompts; ++i) {
      const std::uint64_t topic = random.below(6);
      const std::string prompt =
          "topic " + std::string(1, static_cast<char>('a' + topic)) + " " + std::string(1 + random.below(20), 'x');
      const auto vector = some_vector(random, topic);
      const std::string normal = normal_form(prompt);
      const std::uint64_t key = key_of(normal), exact = state.find_exact(key, normal);
      const Look look = exact != 0 ? state.look_exact(key, exact) : state.look(key, prompt, vector);
      take(look.record);
      if (look.record.verdict > Verdict::served)
        take(state.plan_put(key, prompt, "answer " + std::to_string(topic % 4), Outcome::by_bytes, vector));
      if (i % 40 == 39) take(state.plan_eviction(~std::uint64_t{0}, state.entries() - 1));
    }
  }
  void take(const Record& record) {
    ASSERT_TRUE(state.apply(record));
    append(bytes, record);
    ends.push_back(bytes.size());
  }
};

Bytes snapshot(const State& state) {
  Bytes out = file_header();
  state.for_each_record([&](const Record& record) { append(out, record); });
  return out;
}

// Reads as many records as there are; the error where one is refused.
Result<std::uint64_t> read(const Bytes& bytes, State& state) {
  ATTAR_TRY(check_file_header(bytes));
  RecordCursor cursor(bytes);
  while (true) {
    ATTAR_ASSIGN(const auto next, cursor.next(dims));
    if (!next) return cursor.position();
    ATTAR_TRY(state.apply(*next));
  }
}

TEST(Records, AStateIsTheFoldOfItsRecords) {
  const History history(400);
  ASSERT_GT(history.state.count(Verdict::served) + history.state.count(Verdict::exact), 20u);
  State again(settings());
  ASSERT_TRUE(read(history.bytes, again));
  EXPECT_EQ(snapshot(again), snapshot(history.state));
}

TEST(Records, ASnapshotGoesOnAsTheStateDid) {
  const History history(300);
  const Bytes bytes = snapshot(history.state);
  EXPECT_EQ(bytes.size(), history.state.bytes());
  State again(settings());
  const auto end = read(bytes, again);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, bytes.size());
  EXPECT_EQ(snapshot(again), bytes);
  base::Random random(9);
  const auto vector = some_vector(random, 2);
  const Look one = history.state.look(1, "topic c xyz", vector), other = again.look(1, "topic c xyz", vector);
  EXPECT_EQ(one.probability, other.probability);
  EXPECT_EQ(one.record.verdict, other.record.verdict);
}

TEST(Records, ACrashLosesAtMostTheLastRecord) {
  const History history(30);
  for (std::size_t size = history.ends.front(); size <= history.bytes.size(); ++size) {
    const Bytes cut(history.bytes.begin(), history.bytes.begin() + static_cast<std::ptrdiff_t>(size));
    State state(settings());
    const auto end = read(cut, state);
    ASSERT_TRUE(end) << size << ": " << end.error().message;
    const auto whole = std::ranges::upper_bound(history.ends, size);
    EXPECT_EQ(*end, *(whole - 1)) << size;
  }
}

TEST(Records, AnUnwrittenTailOfZerosIsCutOff) {
  History history(10);
  const std::size_t size = history.bytes.size();
  history.bytes.resize(size + 300);
  State state(settings());
  const auto end = read(history.bytes, state);
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, size);
}

TEST(Records, DamageInTheMiddleIsNamed) {
  const History history(30);
  for (std::size_t at = file_header_bytes; at < history.ends[history.ends.size() - 2]; at += 7) {
    Bytes damaged = history.bytes;
    damaged[at] ^= std::byte{0x10};
    State state(settings());
    const auto end = read(damaged, state);
    ASSERT_FALSE(end) << at;
    EXPECT_EQ(end.error().code, ErrorCode::corrupt);
  }
}

TEST(Records, OtherFilesAndLaterVersionsAreRefused) {
  Bytes bytes = file_header();
  bytes[8] = std::byte{2};
  EXPECT_EQ(check_file_header(bytes).error().code, ErrorCode::too_new);
  bytes[0] = std::byte{0};
  EXPECT_EQ(check_file_header(bytes).error().code, ErrorCode::corrupt);
  EXPECT_EQ(check_file_header({}).error().code, ErrorCode::corrupt);
}

TEST(Records, ThoseThatDoNotFitAreRefusedAndChangeNothing) {
  History history(60);
  const Bytes before = snapshot(history.state);
  Lookup of_nothing;
  of_nothing.verdict = Verdict::served;
  of_nothing.entry = 1'000'000;
  const std::vector<Record> wrong = {
      of_nothing,
      Removal{.entries = {1'000'000}},
      AnswerRecord{.answer = 1, .text = "again"},
      AnswerRecord{.answer = 1'000'000, .text = "never given"},
      EntryRecord{
          .entry = 1'000'000, .answer = 1, .offset = {}, .vector = std::vector<std::int8_t>(dims), .prompt = {}},
      Put{.entry = 1, .answer = 1, .vector = std::vector<std::int8_t>(dims), .prompt = "p", .text = std::nullopt},
      Learned{}};
  for (const Record& record : wrong) {
    const Status taken = history.state.apply(record);
    ASSERT_FALSE(taken) << record.index();
    EXPECT_EQ(taken.error().code, ErrorCode::corrupt);
    EXPECT_EQ(snapshot(history.state), before) << record.index();
  }
}

TEST(Records, HostileValuesBehindSoundChecksumsAreRefused) {
  // Each byte of each kind's payload is set to 0xff under a checksum that holds: refused, or taken without harm.
  const History history(60);
  const Bytes sound = snapshot(history.state);
  RecordCursor cursor(sound);
  std::uint64_t refused = 0;
  for (std::uint64_t begin = cursor.position(); auto next = cursor.next(dims).value(); begin = cursor.position()) {
    const std::size_t size = cursor.position() - begin - record_header_bytes;
    for (std::size_t at = 0; at < size; at += 1 + size / 200) {
      Bytes payload(sound.begin() + static_cast<std::ptrdiff_t>(begin + record_header_bytes),
                    sound.begin() + static_cast<std::ptrdiff_t>(cursor.position()));
      payload[at] = std::byte{0xff};
      const Bytes file = [&] {
        Bytes out(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(begin));
        const Bytes forged = forge(base::load<std::uint32_t>(sound.data() + begin + 4), payload);
        out.insert(out.end(), forged.begin(), forged.end());
        out.insert(out.end(), sound.begin() + static_cast<std::ptrdiff_t>(cursor.position()), sound.end());
        return out;
      }();
      State state(settings());
      const auto end = read(file, state);
      refused += end ? 0 : 1;
      base::Random random(5);
      (void)state.look(3, "topic a", some_vector(random, 1));
    }
  }
  EXPECT_GT(refused, 300u);
}

}  // namespace
}  // namespace attar::cache
