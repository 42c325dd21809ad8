#include "math/rans.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

#include "base/leb128.h"

namespace attar::math {
namespace {

constexpr std::uint32_t whole_frequency = 1u << simd::rans_bits;
constexpr std::size_t short_lanes = 4, long_stream = 4096, longest_stream = 24'576;

// What an added unit of frequency saves a symbol of this count, but for a factor: the logarithm's slope in the middle.
double gain(std::uint64_t count, std::uint32_t frequency) noexcept {
  return static_cast<double>(count) / (frequency + 0.5);
}

struct Step {
  double gain;
  std::size_t symbol;
  friend bool operator<(const Step& a, const Step& b) noexcept {
    return a.gain != b.gain ? a.gain < b.gain : a.symbol > b.symbol;
  }
};

// Fills or cuts frequencies until they sum to the whole, one unit at a time where it gains most or costs least.
void balance(const RansCounts& counts, RansFrequencies& frequencies) {
  std::int64_t left = whole_frequency - std::accumulate(frequencies.begin(), frequencies.end(), std::int64_t{0});
  const bool adding = left > 0;
  const auto step = [&](std::size_t s) {
    const double own = adding ? gain(counts[s], frequencies[s]) : -gain(counts[s], frequencies[s] - 1u);
    return Step{.gain = own, .symbol = s};
  };
  const auto may = [&](std::size_t s) { return frequencies[s] > (adding ? 0 : 1); };
  std::vector<Step> steps;
  steps.reserve(frequencies.size());
  for (std::size_t s = 0; s < frequencies.size(); ++s)
    if (may(s)) steps.push_back(step(s));
  std::priority_queue<Step> next(std::less<Step>(), std::move(steps));
  while (left != 0) {
    const std::size_t best = next.top().symbol;
    next.pop();
    // A lone symbol takes all at once.
    const std::int64_t units = adding && next.empty() ? left : 1;
    frequencies[best] = static_cast<std::uint16_t>(frequencies[best] + (adding ? units : -1));
    left += adding ? -units : 1;
    if (may(best)) next.push(step(best));
  }
}

// log₂ of every frequency above 0.
const std::vector<double>& logarithms_of_frequencies() {
  static const std::vector<double> made = [] {
    std::vector<double> out(whole_frequency + 1);
    for (std::size_t f = 1; f < out.size(); ++f) out[f] = std::log2(static_cast<double>(f));
    return out;
  }();
  return made;
}

double bits_of(const RansFrequencies& frequencies, const RansCounts& counts, double escape_bits) noexcept {
  const std::vector<double>& log2_of = logarithms_of_frequencies();
  double bits = 0;
  std::uint64_t escaped = 0;
  for (std::size_t s = 1; s < counts.size(); ++s)
    if (frequencies[s] == 0)
      escaped += counts[s];
    else if (counts[s] != 0)
      bits += static_cast<double>(counts[s]) * (simd::rans_bits - log2_of[frequencies[s]]);
  escaped += counts[0];
  if (escaped == 0) return bits;
  const double own = frequencies[0] == 0 ? HUGE_VAL : simd::rans_bits - log2_of[frequencies[0]];
  return bits + static_cast<double>(escaped) * (own + escape_bits);
}

// Every symbol of the range has a frequency, symbol 0 too, and no other.
RansFrequencies fit_range(const RansCounts& counts, SymbolRange range) {
  RansCounts kept{};
  std::uint64_t total = 0;
  for (std::size_t s = 0; s < counts.size(); ++s) {
    kept[range.holds(s) ? s : 0] += counts[s];
    total += counts[s];
  }
  RansFrequencies out{};
  for (std::size_t s = 0; s < counts.size(); ++s) {
    if (s != 0 && !range.holds(s)) continue;
    const double share = total == 0 ? 0 : static_cast<double>(kept[s]) / static_cast<double>(total);
    out[s] = static_cast<std::uint16_t>(std::max(1.0, std::floor(share * whole_frequency)));
  }
  balance(kept, out);
  return out;
}

// The symbols between the first and the last that stand so often.
SymbolRange range_of(const RansCounts& counts, std::uint64_t least) noexcept {
  SymbolRange out{.first = 1, .last = 0};
  for (std::size_t s = 1; s < counts.size(); ++s) {
    if (counts[s] < least) continue;
    if (out.last == 0) out.first = s;
    out.last = s;
  }
  return out;
}

// The symbols that stand so often have a frequency, symbol 0 too, and no other.
RansFrequencies fit_frequent(const RansCounts& counts, double least) {
  RansCounts kept{};
  RansFrequencies out{};
  const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  for (std::size_t s = 0; s < counts.size(); ++s)
    kept[counts[s] != 0 && static_cast<double>(counts[s]) >= least ? s : 0] += counts[s];
  for (std::size_t s = 0; s < counts.size(); ++s) {
    if (s != 0 && kept[s] == 0) continue;
    const double share = total == 0 ? 1 : static_cast<double>(kept[s]) / total;
    out[s] = static_cast<std::uint16_t>(std::max(1.0, std::floor(share * whole_frequency)));
  }
  balance(kept, out);
  return out;
}

RansFrequencies fit_alone(const RansCounts& counts, double escape_bits) {
  // A symbol of its own takes a unit of frequency from the others, an escape the bits that follow it.
  constexpr std::array<double, 6> units = {0, 0.02, 0.05, 0.1, 0.2, 0.4};
  const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  RansFrequencies best{};
  double least_bits = HUGE_VAL;
  for (const double unit : units) {
    const RansFrequencies tried = fit_frequent(counts, unit * total / whole_frequency);
    const double bits = bits_of(tried, counts, escape_bits);
    if (bits < least_bits) least_bits = bits, best = tried;
  }
  return best;
}

}  // namespace

std::vector<RansFrequencies> fit_frequencies(std::span<const RansCounts> contexts, double escape_bits) {
  RansCounts together{};
  for (const RansCounts& own : contexts)
    for (std::size_t s = 0; s < own.size(); ++s) together[s] += own[s];
  const auto total = static_cast<double>(std::accumulate(together.begin(), together.end(), std::uint64_t{0}));
  // A symbol rarer than a unit of frequency may cost the others more than its escapes would.
  constexpr std::array<double, 4> units = {0, 0.15, 0.35, 0.8};
  std::vector<RansFrequencies> best, tried(contexts.size());
  double least_bits = HUGE_VAL;
  SymbolRange before{.first = 0, .last = 0};
  for (const double unit : units) {
    const auto least = static_cast<std::uint64_t>(std::ceil(unit * total / whole_frequency));
    const SymbolRange range = range_of(together, std::max<std::uint64_t>(1, least));
    if (range == std::exchange(before, range)) continue;
    double bits = 0;
    for (std::size_t c = 0; c < contexts.size(); ++c) {
      tried[c] = fit_range(contexts[c], range);
      bits += bits_of(tried[c], contexts[c], escape_bits);
    }
    if (bits >= least_bits) continue;
    least_bits = bits;
    best = tried;
  }
  return best;
}

std::vector<RansFrequencies> fit_frequencies_apart(std::span<const RansCounts> contexts, double escape_bits) {
  std::vector<RansFrequencies> out(contexts.size());
  for (std::size_t c = 0; c < contexts.size(); ++c) out[c] = fit_alone(contexts[c], escape_bits);
  return out;
}

double entropy_bits(const RansCounts& counts) noexcept {
  const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  double bits = 0;
  for (const std::uint64_t count : counts)
    if (count != 0) bits += static_cast<double>(count) * std::log2(total / static_cast<double>(count));
  return bits;
}

SymbolRange common_range(std::span<const RansFrequencies> contexts) noexcept {
  SymbolRange out{.first = 1, .last = simd::rans_symbols - 1};
  for (const RansFrequencies& own : contexts) {
    std::size_t first = 1, last = own.size() - 1;
    while (first < last && own[first] == 0) ++first;
    while (last > first && own[last] == 0) --last;
    out.first = std::max(out.first, first);
    out.last = std::min(out.last, last);
  }
  for (const RansFrequencies& own : contexts)
    for (std::size_t s = out.first; s <= out.last; ++s)
      if (own[s] == 0) return {.first = 1, .last = 0};
  return out;
}

RansModel::RansModel(std::vector<RansFrequencies> contexts) : contexts_(std::move(contexts)) {
  decoding_.resize(contexts_.size() << simd::rans_bits);
  encoding_.resize(contexts_.size() * simd::rans_symbols);
  for (std::size_t c = 0; c < contexts_.size(); ++c) {
    std::uint32_t start = 0;
    for (std::uint32_t s = 0; s < simd::rans_symbols; ++s) {
      const std::uint32_t frequency = contexts_[c][s];
      encoding_[c * simd::rans_symbols + s] = frequency | start << 16;
      for (std::uint32_t offset = 0; offset < frequency; ++offset)
        decoding_[(c << simd::rans_bits) + start + offset] = s | (frequency - 1) << 8 | offset << 20;
      start += frequency;
    }
  }
}

double RansModel::bits(std::size_t context, const RansCounts& counts, double escape_bits) const noexcept {
  return bits_of(contexts_[context], counts, escape_bits);
}

void RansModel::encode(const std::uint8_t* symbols, const std::uint8_t* contexts, std::size_t count,
                       std::vector<std::byte>& out) const {
  RansEncoder encoder(*this, count);
  encoder.put_front(symbols, contexts, count);
  encoder.finish(out);
}

Status RansModel::decode(base::ByteView stream, const std::uint8_t* contexts, std::size_t count,
                         std::uint8_t* out) const {
  ATTAR_ASSIGN(RansDecoder decoder, RansDecoder::open(*this, stream, count));
  ATTAR_TRY(decoder.next(contexts, count, out));
  return decoder.finish();
}

Status RansModel::decode_trellis(base::ByteView stream, std::uint8_t* contexts, std::size_t count,
                                 std::uint8_t* out) const {
  ATTAR_ASSIGN(RansDecoder decoder, RansDecoder::open(*this, stream, count));
  ATTAR_TRY(decoder.next_trellis(contexts, count, out));
  return decoder.finish();
}

namespace {

// Words of the stream that a thread is writing. A symbol gives one word at most; kernels write up to rans_slack words
// in front of the first.
std::vector<std::uint16_t>& room_of(std::size_t count) {
  thread_local std::vector<std::uint16_t> room;
  if (room.size() < count + rans_slack) room.resize(count + rans_slack);
  return room;
}

}  // namespace

RansEncoder::RansEncoder(const RansModel& model, std::size_t count, std::size_t lanes) : model_(model), lanes_(lanes) {
  states_.fill(simd::rans_least);
  std::vector<std::uint16_t>& room = room_of(count);
  first_ = room.data() + room.size();
}

void RansEncoder::put_front(const std::uint8_t* symbols, const std::uint8_t* contexts, std::size_t count) noexcept {
  first_ = simd::rans_encode({.table = model_.encoding_.data(),
                              .contexts = contexts,
                              .symbols = symbols,
                              .count = count,
                              .lanes = lanes_,
                              .states = states_.data(),
                              .end = first_});
}

void RansEncoder::finish(std::vector<std::byte>& out) const {
  const std::vector<std::uint16_t>& room = room_of(0);
  const auto head = std::as_bytes(std::span(states_).first(lanes_));
  const auto words = std::as_bytes(std::span<const std::uint16_t>(first_, room.data() + room.size()));
  out.insert(out.end(), head.begin(), head.end());
  out.insert(out.end(), words.begin(), words.end());
}

std::size_t RansEncoder::bytes() const noexcept {
  const std::vector<std::uint16_t>& room = room_of(0);
  return lanes_ * sizeof(std::uint32_t) +
         static_cast<std::size_t>(room.data() + room.size() - first_) * sizeof(std::uint16_t);
}

Result<RansDecoder> RansDecoder::open(const RansModel& model, base::ByteView stream, std::size_t count) {
  RansDecoder out(model, rans_lanes_of(count));
  const std::size_t head = out.lanes_ * sizeof(std::uint32_t);
  if (stream.size() < head || stream.size() % 2 != 0) return fail(ErrorCode::corrupt, "a stream of symbols ends early");
  std::memcpy(out.states_.data(), stream.data(), head);
  // The kernels read words by memcpy or unaligned loads only.
  out.word_ = reinterpret_cast<const std::uint16_t*>(stream.data() + head);
  out.end_ = reinterpret_cast<const std::uint16_t*>(stream.data() + stream.size());
  return out;
}

RansDecoder RansDecoder::of_pieces(const RansModel& model, base::ByteView states) noexcept {
  RansDecoder out(model, states.size() / sizeof(std::uint32_t));
  std::memcpy(out.states_.data(), states.data(), states.size());
  return out;
}

Status RansDecoder::next_piece(base::ByteView words, const std::uint8_t* contexts, std::size_t count,
                               std::uint8_t* out) noexcept {
  if (words.size() % 2 != 0) return fail(ErrorCode::corrupt, "a stream of symbols ends early");
  word_ = reinterpret_cast<const std::uint16_t*>(words.data());
  end_ = word_ + words.size() / 2;
  ATTAR_TRY(next(contexts, count, out));
  if (word_ != end_) return fail(ErrorCode::corrupt, "a stream of symbols does not end where it should");
  return {};
}

Status RansDecoder::next(const std::uint8_t* contexts, std::size_t count, std::uint8_t* out) noexcept {
  return decode({.contexts = contexts, .out = out, .count = count});
}

Status RansDecoder::next_trellis(std::uint8_t* contexts, std::size_t count, std::uint8_t* out) noexcept {
  return decode(
      {.contexts = contexts, .out = out, .count = count, .trellis = trellis_.data(), .full_contexts = contexts});
}

// `task` has all but what the stream and the model say.
Status RansDecoder::decode(simd::RansDecoding task) noexcept {
  task.table = model_->decoding_.data();
  task.states = states_.data();
  task.words = word_;
  task.end = end_;
  task.lanes = lanes_;
  word_ = simd::rans_decode(task);
  if (word_ == nullptr) return fail(ErrorCode::corrupt, "a stream of symbols ends early");
  return {};
}

Status RansDecoder::finish() const {
  const auto sound = [](std::uint32_t state) { return state == simd::rans_least; };
  if (word_ != end_ || !std::all_of(states_.begin(), states_.begin() + static_cast<std::ptrdiff_t>(lanes_), sound))
    return fail(ErrorCode::corrupt, "a stream of symbols does not end where it should");
  return {};
}

std::size_t rans_lanes_of(std::size_t count) noexcept {
  if (count >= longest_stream) return simd::rans_most_lanes;
  return count >= long_stream ? simd::rans_lanes : short_lanes;
}

std::size_t rans_state_bytes(std::size_t count) noexcept { return rans_lanes_of(count) * sizeof(std::uint32_t); }

void write_frequencies(base::ByteWriter& out, const RansFrequencies& frequencies) {
  for (std::size_t s = 0; s < frequencies.size();) {
    base::write_leb128(out, frequencies[s]);
    if (frequencies[s++] != 0) continue;
    std::size_t more = 0;
    for (; s < frequencies.size() && frequencies[s] == 0; ++s) ++more;
    base::write_leb128(out, more);
  }
}

Result<RansFrequencies> read_frequencies(base::ByteReader& in) {
  RansFrequencies out{};
  std::uint64_t sum = 0;
  for (std::size_t s = 0; s < out.size();) {
    ATTAR_ASSIGN(const std::uint64_t frequency, base::read_leb128(in, 2));
    sum += frequency;
    if (sum > whole_frequency) break;
    out[s++] = static_cast<std::uint16_t>(frequency);
    if (frequency != 0) continue;
    ATTAR_ASSIGN(const std::uint64_t more, base::read_leb128(in, 2));
    if (more > out.size() - s) return fail(ErrorCode::corrupt, "a table of frequencies has more than 256 symbols");
    s += more;
  }
  if (sum != whole_frequency) return fail(ErrorCode::corrupt, "a table of frequencies does not sum to 4096");
  return out;
}

}  // namespace attar::math
