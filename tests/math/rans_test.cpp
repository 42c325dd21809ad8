#include "math/rans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

namespace attar::math {
namespace {

struct Sample {
  std::vector<std::uint8_t> symbols, contexts;
  std::vector<RansCounts> counts;
  std::size_t count;
};

// Symbols about a middle that depends on the context, as rounded Gaussians are.
Sample sample(std::size_t count, std::size_t contexts, double spread, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, spread);
  Sample out{.symbols = std::vector<std::uint8_t>(count + rans_slack),
             .contexts = std::vector<std::uint8_t>(count + rans_slack),
             .counts = std::vector<RansCounts>(contexts),
             .count = count};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t context = random() % contexts;
    const double value = 40.0 + 10.0 * static_cast<double>(context) + normal(random);
    out.contexts[i] = static_cast<std::uint8_t>(context);
    out.symbols[i] = static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
    ++out.counts[context][out.symbols[i]];
  }
  return out;
}

RansModel model_of(const Sample& from) { return RansModel(fit_frequencies(from.counts, 16)); }

// Rare symbols have no code: what stands in their place is symbol 0.
void escape(Sample& of, const RansModel& model) {
  for (std::size_t i = 0; i < of.count; ++i)
    if (!model.codes(of.contexts[i], of.symbols[i])) of.symbols[i] = 0;
}

TEST(Rans, EveryLengthComesBackAtEveryLevel) {
  for (const std::size_t count :
       {0u, 1u, 3u, 4u, 31u, 4095u, 4096u, 4097u, 4127u, 4128u, 20000u, 24575u, 24576u, 24607u, 65536u}) {
    Sample given = sample(count, 8, 9, static_cast<std::uint32_t>(count));
    const RansModel model = model_of(given);
    escape(given, model);
    std::vector<std::byte> stream;
    model.encode(given.symbols.data(), given.contexts.data(), count, stream);
    std::vector<std::uint8_t> out(count + rans_slack);
    ASSERT_TRUE(model.decode(stream, given.contexts.data(), count, out.data())) << count;
    EXPECT_TRUE(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count), given.symbols.begin()));
  }
}

class RansLanes : public testing::TestWithParam<std::size_t> {};

TEST_P(RansLanes, LevelsWriteAndReadTheSameWords) {
  constexpr std::size_t count = 50'003;
  Sample given = sample(count, 5, 20, 7);
  const RansModel model = model_of(given);
  escape(given, model);
  std::vector<std::uint32_t> encoding(5 * simd::rans_symbols), decoding(5u << simd::rans_bits);
  for (std::size_t c = 0; c < 5; ++c) {
    std::uint32_t start = 0;
    for (std::uint32_t s = 0; s < 256; ++s) {
      const std::uint32_t f = model.contexts()[c][s];
      encoding[c * 256 + s] = f | start << 16;
      for (std::uint32_t o = 0; o < f; ++o) decoding[(c << 12) + start + o] = s | (f - 1) << 8 | o << 20;
      start += f;
    }
  }
  std::vector<std::uint16_t> reference;
  std::array<std::uint32_t, simd::rans_most_lanes> reference_states{};
  for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
    std::vector<std::uint16_t> room(count + rans_slack);
    std::array<std::uint32_t, simd::rans_most_lanes> states;
    states.fill(simd::rans_least);
    const std::uint16_t* first = simd::rans_encode({.table = encoding.data(),
                                                    .contexts = given.contexts.data(),
                                                    .symbols = given.symbols.data(),
                                                    .count = count,
                                                    .lanes = GetParam(),
                                                    .states = states.data(),
                                                    .end = room.data() + room.size()},
                                                   static_cast<simd::Level>(level));
    std::vector<std::uint16_t> words(first, static_cast<const std::uint16_t*>(room.data()) + room.size());
    if (level == 0) {
      reference = words;
      reference_states = states;
    }
    EXPECT_EQ(words, reference) << level;
    EXPECT_EQ(states, reference_states) << level;
    std::vector<std::uint8_t> out(count + rans_slack);
    const std::uint16_t* after = simd::rans_decode({.table = decoding.data(),
                                                    .contexts = given.contexts.data(),
                                                    .states = states.data(),
                                                    .words = words.data(),
                                                    .end = words.data() + words.size(),
                                                    .out = out.data(),
                                                    .count = count,
                                                    .lanes = GetParam()},
                                                   static_cast<simd::Level>(level));
    EXPECT_EQ(after, words.data() + words.size()) << level;
    EXPECT_TRUE(std::equal(out.begin(), out.begin() + count, given.symbols.begin())) << level;
  }
}

// Two symbols a context, one as rare as the other is frequent: quotients from the smallest to the largest, at every
// level.
TEST_P(RansLanes, LevelsDivideAlikeByEveryFrequency) {
  constexpr std::size_t count = 4096, contexts = 128;
  std::mt19937 random(11);
  for (std::uint32_t first = 1; first <= 4096; first += contexts) {
    std::vector<std::uint32_t> table(contexts * simd::rans_symbols);
    for (std::uint32_t c = 0; c < contexts; ++c) {
      const std::uint32_t frequency = first + c;
      table[c * 256] = frequency;
      table[c * 256 + 1] = (frequency == 4096 ? 1 : 4096 - frequency) | (frequency % 4096) << 16;
    }
    std::vector<std::uint8_t> symbols(count + rans_slack), places(count + rans_slack);
    for (std::size_t i = 0; i < count; ++i) {
      symbols[i] = static_cast<std::uint8_t>(random() % 2);
      places[i] = static_cast<std::uint8_t>(random() % contexts);
      if (first + places[i] == 4096) symbols[i] = 0;
    }
    std::vector<std::uint16_t> reference;
    std::array<std::uint32_t, simd::rans_most_lanes> reference_states{};
    for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
      std::vector<std::uint16_t> room(count + rans_slack);
      std::array<std::uint32_t, simd::rans_most_lanes> states;
      states.fill(simd::rans_least);
      const std::uint16_t* begin = simd::rans_encode({.table = table.data(),
                                                      .contexts = places.data(),
                                                      .symbols = symbols.data(),
                                                      .count = count,
                                                      .lanes = GetParam(),
                                                      .states = states.data(),
                                                      .end = room.data() + room.size()},
                                                     static_cast<simd::Level>(level));
      const std::vector<std::uint16_t> words(begin, static_cast<const std::uint16_t*>(room.data()) + room.size());
      if (level == 0) {
        reference = words;
        reference_states = states;
      }
      EXPECT_EQ(words, reference) << level << " from frequency " << first;
      EXPECT_EQ(states, reference_states) << level << " from frequency " << first;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lanes, RansLanes, testing::Values(4, 32, 64));

// Symbols along trellises: contexts are twice a number, and their unions what the symbols' parities make them.
TEST(Rans, TrellisesComeBackAtEveryLevelAndLength) {
  for (const std::size_t count : {0u, 1u, 5u, 4095u, 4096u, 4129u, 50'003u}) {
    Sample given = sample(count, 6, 9, static_cast<std::uint32_t>(count));
    const std::size_t lanes = rans_lanes_of(count);
    std::vector<std::uint8_t> even(given.contexts.size());
    std::vector<std::uint32_t> trellis(lanes);
    std::vector<RansCounts> counts(12);
    for (std::size_t c = 0; c < 6; ++c)
      for (std::size_t s = 0; s < 256; ++s) {
        counts[2 * c][s] = given.counts[c][s];
        counts[2 * c + 1][s] = given.counts[c][s] / 4;
      }
    const RansModel model(fit_frequencies_apart(counts, 16));
    for (std::size_t i = 0; i < count; ++i) {
      std::uint32_t& state = trellis[i % lanes];
      even[i] = static_cast<std::uint8_t>(2 * given.contexts[i]);
      given.contexts[i] = static_cast<std::uint8_t>(even[i] | (state & 1));
      if (!model.codes(given.contexts[i], given.symbols[i])) given.symbols[i] = 0;
      state = simd::rans_next_state(state, given.symbols[i]);
      EXPECT_LT(state, 8u);
    }
    std::vector<std::byte> stream;
    model.encode(given.symbols.data(), given.contexts.data(), count, stream);
    std::vector<std::uint32_t> decoding(12u << simd::rans_bits);
    for (std::size_t c = 0, at = 0; c < 12; ++c)
      for (std::uint32_t s = 0; s < 256; ++s)
        for (std::uint32_t o = 0, f = model.contexts()[c][s]; o < f; ++o) decoding[at++] = s | (f - 1) << 8 | o << 20;
    const std::size_t length = stream.size() / 2 - 2 * lanes;
    std::vector<std::uint16_t> words(length + 1);
    for (int level = 0; level <= static_cast<int>(simd::best_level()); ++level) {
      std::vector<std::uint32_t> states(lanes);
      std::memcpy(states.data(), stream.data(), 4 * lanes);
      std::memcpy(words.data(), stream.data() + 4 * lanes, 2 * length);
      std::ranges::fill(trellis, 0u);
      std::vector<std::uint8_t> out(count + rans_slack), full(count + rans_slack);
      const std::uint16_t* after = simd::rans_decode({.table = decoding.data(),
                                                      .contexts = even.data(),
                                                      .states = states.data(),
                                                      .words = words.data(),
                                                      .end = words.data() + length,
                                                      .out = out.data(),
                                                      .count = count,
                                                      .lanes = lanes,
                                                      .trellis = trellis.data(),
                                                      .full_contexts = full.data()},
                                                     static_cast<simd::Level>(level));
      const auto size = static_cast<std::ptrdiff_t>(count);
      EXPECT_EQ(after, words.data() + length) << level;
      EXPECT_TRUE(std::equal(out.begin(), out.begin() + size, given.symbols.begin())) << level << ' ' << count;
      EXPECT_TRUE(std::equal(full.begin(), full.begin() + size, given.contexts.begin())) << level << ' ' << count;
    }
    std::vector<std::uint8_t> out(count + rans_slack);
    ASSERT_TRUE(model.decode_trellis(stream, even.data(), count, out.data()));
    EXPECT_TRUE(std::equal(even.begin(), even.begin() + static_cast<std::ptrdiff_t>(count), given.contexts.begin()));
    EXPECT_FALSE(model.decode_trellis(std::span(stream).first(stream.size() - 2), even.data(), count, out.data()));
  }
}

TEST(Rans, ContextsFittedApartHoldTheirOwnSymbols) {
  std::vector<RansCounts> counts(3);
  for (std::size_t s = 0; s < 3; ++s) counts[0][127 + s] = 1000;
  for (std::size_t s = 1; s < 256; ++s) counts[1][s] = 100;
  counts[1][7] = 1;
  const auto fitted = fit_frequencies_apart(counts, 32);
  EXPECT_EQ(std::ranges::count(fitted[0], 0), 252);
  EXPECT_EQ(fitted[2][0], 4096);
  const RansModel apart(fitted), together(fit_frequencies(counts, 32));
  const auto bits = [&](const RansModel& model) { return model.bits(0, counts[0], 32) + model.bits(1, counts[1], 32); };
  EXPECT_LT(bits(apart), bits(together));
  EXPECT_LT(apart.bits(0, counts[0], 32), 1.001 * entropy_bits(counts[0]));
  for (const RansFrequencies& own : fitted) {
    EXPECT_GE(own[0], 1);
    EXPECT_EQ(std::accumulate(own.begin(), own.end(), 0), 4096);
  }
}

TEST(Rans, ASymbolThatIsCertainTakesNoWords) {
  RansCounts counts{};
  counts[0] = 100;
  const RansModel model(fit_frequencies(std::span(&counts, 1), 16));
  const std::vector<std::uint8_t> zeros(10'000 + rans_slack);
  std::vector<std::byte> stream;
  model.encode(zeros.data(), zeros.data(), 10'000, stream);
  EXPECT_EQ(stream.size(), rans_state_bytes(10'000));
  std::vector<std::uint8_t> out(10'000 + rans_slack, 1);
  ASSERT_TRUE(model.decode(stream, zeros.data(), 10'000, out.data()));
  EXPECT_EQ(std::count(out.begin(), out.begin() + 10'000, 0), 10'000);
}

TEST(Rans, StreamsComeNearToTheEntropy) {
  constexpr std::size_t count = 400'000;
  Sample given = sample(count, 3, 6, 5);
  const RansModel model = model_of(given);
  double entropy = 0, priced = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const auto total = static_cast<double>(std::accumulate(given.counts[c].begin(), given.counts[c].end(), 0ull));
    for (const std::uint64_t n : given.counts[c])
      if (n != 0) entropy += static_cast<double>(n) * std::log2(total / static_cast<double>(n));
    priced += model.bits(c, given.counts[c], 16);
  }
  escape(given, model);
  std::vector<std::byte> stream;
  model.encode(given.symbols.data(), given.contexts.data(), count, stream);
  const double bits = 8.0 * static_cast<double>(stream.size());
  EXPECT_LT(bits, entropy * 1.002 + 1024);
  EXPECT_NEAR(priced, bits, entropy * 0.002 + 1024);
}

TEST(Rans, ContextsCodeOneRangeAndWhatLiesOutsideIsEscaped) {
  const Sample given = sample(200'000, 8, 4, 21);
  const RansModel model = model_of(given);
  const SymbolRange range = common_range(model.contexts());
  ASSERT_LE(range.first, range.last);
  for (const RansFrequencies& own : model.contexts())
    for (std::size_t s = 1; s < own.size(); ++s) EXPECT_EQ(own[s] != 0, range.holds(s)) << s;
  RansFrequencies gap{}, other{};
  gap[0] = 4000;
  gap[5] = gap[7] = 48;
  other[0] = 4000;
  other[5] = other[6] = other[7] = 32;
  const SymbolRange none = common_range(std::array{gap, other});
  EXPECT_GT(none.first, none.last);
}

// Pieces of any length, the states going on from one to the next; a reader may stop after any of them.
TEST(Rans, PiecesComeBackAsFarAsTheyAreRead) {
  for (const std::size_t lanes : {std::size_t{4}, simd::rans_lanes, simd::rans_most_lanes}) {
    const std::array<std::size_t, 7> lengths = {700, 0, 1, 63, 64, 5000, 33};
    std::vector<Sample> pieces;
    Sample all = sample(20'000, 4, 9, 21);
    const RansModel model = model_of(all);
    std::size_t sum = 0;
    for (const std::size_t length : lengths) {
      pieces.push_back(sample(length, 4, 9, static_cast<std::uint32_t>(length + 1)));
      escape(pieces.back(), model);
      sum += length;
    }
    RansEncoder encoder(model, sum, lanes);
    std::array<std::size_t, lengths.size()> behind{};
    for (std::size_t i = lengths.size(); i-- > 0;) {
      behind[i] = encoder.bytes();
      encoder.put_front(pieces[i].symbols.data(), pieces[i].contexts.data(), lengths[i]);
    }
    std::vector<std::byte> stream;
    encoder.finish(stream);
    const std::size_t head = 4 * lanes;
    RansDecoder decoder = RansDecoder::of_pieces(model, base::ByteView(stream).first(head));
    std::size_t at = head;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const std::size_t end = stream.size() - (behind[i] - head);
      std::vector<std::uint8_t> out(lengths[i] + rans_slack);
      const base::ByteView words = base::ByteView(stream).subspan(at, end - at);
      RansDecoder other = decoder;
      EXPECT_TRUE(lengths[i] != 0 || words.empty());
      if (!words.empty()) {
        EXPECT_FALSE(
            other.next_piece(words.first(words.size() - 2), pieces[i].contexts.data(), lengths[i], out.data()));
      }
      ASSERT_TRUE(decoder.next_piece(words, pieces[i].contexts.data(), lengths[i], out.data())) << i;
      EXPECT_TRUE(std::equal(out.begin(), out.end() - rans_slack, pieces[i].symbols.begin())) << i;
      at = end;
    }
    EXPECT_EQ(at, stream.size());
  }
}

TEST(Rans, DamagedStreamsAreRefusedOrGiveSymbols) {
  constexpr std::size_t count = 9000;
  Sample given = sample(count, 2, 9, 11);
  const RansModel model = model_of(given);
  escape(given, model);
  std::vector<std::byte> stream;
  model.encode(given.symbols.data(), given.contexts.data(), count, stream);
  std::vector<std::uint8_t> out(count + rans_slack);
  std::mt19937 random(3);
  for (int i = 0; i < 400; ++i) {
    std::vector<std::byte> damaged = stream;
    if (i % 2 == 0)
      damaged.resize(random() % damaged.size());
    else
      damaged[random() % damaged.size()] ^= static_cast<std::byte>(1u << random() % 8);
    const Status read = model.decode(damaged, given.contexts.data(), count, out.data());
    EXPECT_FALSE(i % 2 == 0 && read.has_value());
  }
}

TEST(Rans, TablesOfFrequenciesComeBackAndOthersAreRefused) {
  const Sample given = sample(30'000, 4, 30, 9);
  const RansModel model = model_of(given);
  base::ByteWriter bytes;
  for (const RansFrequencies& own : model.contexts()) {
    EXPECT_EQ(std::accumulate(own.begin(), own.end(), 0u), 4096u);
    write_frequencies(bytes, own);
  }
  base::ByteReader reader(bytes.bytes());
  for (const RansFrequencies& own : model.contexts()) {
    const auto read = read_frequencies(reader);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, own);
  }
  EXPECT_EQ(reader.remaining(), 0u);
  base::ByteWriter one;
  write_frequencies(one, model.contexts()[0]);
  for (std::size_t cut = 0; cut < one.size(); ++cut) {
    base::ByteReader shorter(one.bytes().first(cut));
    EXPECT_FALSE(read_frequencies(shorter));
  }
  const std::array<std::byte, 4> too_many = {std::byte{0x81}, std::byte{0x20}, std::byte{0x81}, std::byte{0x20}};
  base::ByteReader wrong(too_many);
  EXPECT_FALSE(read_frequencies(wrong));
}

}  // namespace
}  // namespace attar::math
