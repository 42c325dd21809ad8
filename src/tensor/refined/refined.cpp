#include "tensor/refined/refined.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/checked.h"
#include "tensor/refined/block.h"
#include "tensor/refined/cells.h"
#include "tensor/steps/quantizer.h"

namespace attar::tensor::refined {
namespace {

// What planes for one element alone cost is more than the element, where it is one of so many.
constexpr std::uint64_t elements_of_an_escape = 16'384;
constexpr double finest_of_largest = 0x1p-22;

// The least number of planes above which `most` elements lie at most; `widths` counts bits of magnitudes.
unsigned planes_for(std::span<const std::uint64_t> widths, std::uint64_t most) {
  std::uint64_t above = 0;
  for (std::size_t width = widths.size() - 1; width > 0; --width) {
    above += widths[width];
    if (above > most) return static_cast<unsigned>(width);
  }
  return 0;
}

// The bit of each element that was gathered, with its sign where it may be its first.
void symbols_of(const Pass& pass, const Cells& cells, std::span<const std::uint32_t> halves,
                std::span<const float> values, std::vector<std::uint8_t>& out) {
  out.assign(cells.gathered() + math::rans_slack, 0);
  for (std::size_t k = 0; k < cells.gathered(); ++k) {
    const std::uint32_t i = cells.places()[k];
    const auto bit = static_cast<std::uint8_t>(halves[i] >> (pass.plane + 1) & 1);
    out[k] = pass.significance && bit != 0 && std::signbit(values[i]) ? symbol_minus : bit;
  }
}

}  // namespace

void put_back(const Frame& frame, const Root& root, std::span<const float> middles, const Cells& cells,
              std::span<std::byte> out) {
  const std::size_t bytes = steps::bytes_of(frame.type);
  thread_local std::vector<float> values;
  values.resize(out.size() / bytes);
  cells.put_back(root.step, middles, steps::largest_of(frame.type), values.data());
  steps::narrow(frame.type, values.data(), values.size(), out.data());
  for (std::size_t i = 0; i < root.places.size(); ++i)
    std::ranges::copy(root.escapes.subspan(i * bytes, bytes),
                      out.begin() + static_cast<std::ptrdiff_t>(root.places[i] * bytes));
}

double phase_of(std::uint64_t number) noexcept {
  const double turns = static_cast<double>(number) / std::numbers::phi;
  return std::exp2(turns - std::floor(turns) - 0.5);
}

/// A block as numbers: what its root says, and of each element the half steps of its magnitude.
struct Planes::Split {
  Root root = {};
  std::vector<float> values = {};
  std::vector<std::uint32_t> halves = {};  ///< ⌊2|x| / Δ⌋; 0 of an escape
  std::vector<std::byte> escapes = {};
  Cells cells = {};
  std::vector<std::uint8_t> symbols = {};
};

namespace {

/// What the passes of a block say, until all have: they are encoded from the last to the first.
class PassSymbols {
 public:
  void begin() noexcept {
    symbols_.clear();
    contexts_.clear();
    counts_.clear();
  }

  /// Of the elements that were gathered.
  void add(const Cells& cells, const std::vector<std::uint8_t>& symbols) {
    const std::size_t length = cells.gathered() + math::rans_slack;
    symbols_.insert(symbols_.end(), symbols.begin(), symbols.begin() + static_cast<std::ptrdiff_t>(length));
    contexts_.insert(contexts_.end(), cells.pass_contexts(), cells.pass_contexts() + length);
    counts_.push_back(cells.gathered());
  }

  /// The pieces of one stream; its states stand in front of the first.
  [[nodiscard]] std::vector<std::vector<std::byte>> encode(const math::RansModel& model, std::size_t lanes) const {
    math::RansEncoder encoder(model, std::accumulate(counts_.begin(), counts_.end(), std::size_t{0}), lanes);
    std::vector<std::size_t> ends(counts_.size());
    std::size_t at = symbols_.size();
    for (std::size_t i = counts_.size(); i-- > 0;) {
      at -= counts_[i] + math::rans_slack;
      ends[i] = encoder.bytes();
      if (counts_[i] != 0) encoder.put_front(&symbols_[at], &contexts_[at], counts_[i]);
    }
    std::vector<std::byte> stream;
    encoder.finish(stream);
    // Counted from behind: ends[i] bytes were there before piece i, the states among them.
    std::vector<std::vector<std::byte>> out;
    auto next = stream.begin();
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const auto end = stream.end() - static_cast<std::ptrdiff_t>(ends[i] - lanes * sizeof(std::uint32_t));
      out.emplace_back(next, end);
      next = end;
    }
    return out;
  }

 private:
  std::vector<std::uint8_t> symbols_, contexts_;  ///< math::rans_slack more behind each pass
  std::vector<std::size_t> counts_;
};

}  // namespace

std::unique_ptr<const Planes> Planes::look(const codec::TensorView& tensor) {
  const auto weights = steps::Weights::look(tensor);
  if (!weights) return nullptr;
  auto out = std::unique_ptr<Planes>(new Planes);
  out->view_ = tensor;
  out->view_.base = {};
  out->square_ = weights->square();
  out->frame_ = {.type = *steps::type_of(tensor.schema.element),
                 .columns = tensor.schema.columns,
                 .column_scales = weights->has_column_scales(),
                 .row_scales = weights->has_row_scales(),
                 .scales = {weights->scales().begin(), weights->scales().end()}};
  out->weights_ = steps::weights_of_columns(out->frame_.scales);
  return out;
}

std::uint64_t Planes::blocks() const noexcept { return base::ceil_div(view_.schema.count, view_.block_elements); }

base::ByteView Planes::block_of(std::uint64_t block) const noexcept {
  const std::uint64_t each = view_.block_elements * view_.schema.element.bytes, at = block * each;
  return view_.bytes.subspan(at, std::min<std::uint64_t>(each, view_.bytes.size() - at));
}

void Planes::split(std::uint64_t block, double step, Split& out) const {
  const base::ByteView elements = block_of(block);
  const std::size_t bytes = steps::bytes_of(frame_.type), count = elements.size() / bytes;
  out.values.resize(count + steps::slack);
  steps::widen(frame_.type, elements.data(), count, out.values.data());
  double largest = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (std::isfinite(out.values[i])) largest = std::max(largest, std::fabs(static_cast<double>(out.values[i])));
  out.root = {.step = static_cast<float>(std::clamp(std::max(step, largest * finest_of_largest),
                                                    static_cast<double>(least_step), static_cast<double>(most_step)))};
  // Counted in halves: a plane below the last is what middles of cells are taken from.
  const double halves_of_one = 2 / static_cast<double>(out.root.step);
  out.halves.assign(count, 0);
  std::array<std::uint64_t, 33> widths{};
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(out.values[i])) continue;
    out.halves[i] = static_cast<std::uint32_t>(std::fabs(static_cast<double>(out.values[i])) * halves_of_one);
    ++widths[static_cast<std::size_t>(std::bit_width(out.halves[i] >> 1))];
  }
  out.root.planes = planes_for(widths, count / elements_of_an_escape);
  out.escapes.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const bool above = static_cast<unsigned>(std::bit_width(out.halves[i] >> 1)) > out.root.planes;
    if (std::isfinite(out.values[i]) && !above) continue;
    out.halves[i] = 0;
    out.root.places.push_back(i);
    const base::ByteView own = elements.subspan(i * bytes, bytes);
    out.escapes.insert(out.escapes.end(), own.begin(), own.end());
  }
  out.root.escapes = out.escapes;
  steps::find_scales(std::span(out.values).first(count), frame_.columns, frame_.row_scales, weights_, out.root.step / 2,
                     out.root.scales);
  out.cells.begin(count, frame_.scales, out.root.scales);
}

codec::TableSets::Counts Planes::count(std::uint64_t block, double step) const {
  thread_local Split parts;
  split(block, step, parts);
  codec::TableSets::Counts out(contexts);
  const auto tally = [&](const Pass& pass) {
    parts.cells.gather(pass);
    symbols_of(pass, parts.cells, parts.halves, parts.values, parts.symbols);
    for (std::size_t k = 0; k < parts.cells.gathered(); ++k) ++out[parts.cells.pass_contexts()[k]][parts.symbols[k]];
    parts.cells.apply(pass, parts.symbols.data());
  };
  for (unsigned number = 0; number < 2 * parts.root.planes; ++number) tally(pass_of(parts.root.planes, number));
  tally({.plane = -1, .significance = false});
  return out;
}

CodedBlock Planes::code(std::uint64_t block, double step, const math::RansModel& model, const Watch& watch) const {
  thread_local Split parts;
  split(block, step, parts);
  const std::vector<float> middles = middles_of(model);
  std::vector<std::byte> back(block_of(block).size());
  const auto show = [&](unsigned passes) {
    put_back(frame_, parts.root, middles, parts.cells, back);
    watch(passes, back);
  };
  CodedBlock out;
  base::ByteWriter root;
  write_root(root, parts.root);
  out.root = std::move(root).release();
  show(0);
  thread_local PassSymbols said;
  said.begin();
  for (unsigned number = 0; number < 2 * parts.root.planes; ++number) {
    const Pass pass = pass_of(parts.root.planes, number);
    parts.cells.gather(pass);
    symbols_of(pass, parts.cells, parts.halves, parts.values, parts.symbols);
    said.add(parts.cells, parts.symbols);
    parts.cells.apply(pass, parts.symbols.data());
    show(number + 1);
  }
  out.passes = said.encode(model, math::rans_lanes_of(parts.halves.size()));
  return out;
}

std::vector<std::byte> Planes::preamble(std::uint32_t table) const {
  Frame frame = frame_;
  frame.table = table;
  return write_frame(frame);
}

math::RansModel fit(const codec::TableSets::Counts& counts) {
  constexpr unsigned all = 1u << simd::rans_bits;
  constexpr double unseen = 0.5;  // of a symbol, before any was counted
  std::vector<math::RansFrequencies> out(contexts);
  for (std::size_t c = 0; c < contexts; ++c) {
    const std::size_t symbols = c < significance_contexts ? 3 : 2;
    double sum = 0;
    for (std::size_t s = 0; s < symbols; ++s) sum += static_cast<double>(counts[c][s]) + unseen;
    unsigned rest = all;
    std::size_t most = 0;
    for (std::size_t s = 0; s < symbols; ++s) {
      const double share = (static_cast<double>(counts[c][s]) + unseen) / sum;
      out[c][s] = static_cast<std::uint16_t>(std::clamp(std::lround(share * all), 1L, static_cast<long>(all) - 2));
      rest -= out[c][s];
      if (out[c][s] > out[c][most]) most = s;
    }
    // What rounding left goes to the most frequent, which has room for it.
    out[c][most] = static_cast<std::uint16_t>(out[c][most] + rest);
  }
  return math::RansModel(std::move(out));
}

}  // namespace attar::tensor::refined
