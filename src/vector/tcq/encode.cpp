#include "vector/tcq/encode.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/half.h"
#include "base/spill.h"
#include "simd/inner_products.h"
#include "vector/common/rows.h"
#include "vector/tcq/draft.h"
#include "vector/tcq/layout.h"
#include "vector/tcq/scale.h"
#include "vector/tcq/trellis.h"

namespace attar::vector::tcq {
namespace {

constexpr std::size_t piece_rows = 128;                // one task of the pool
constexpr std::size_t batch_rows = 16 * piece_rows;    // rows gathered before the pool is called
constexpr std::uint64_t planes_memory = 384ull << 20;  // planes beyond their share of this move to scratch files

// Rows that lose this many times what is to be expected are coded again at this share of their gain: rows that hold
// much of their energy in few components overshoot the levels. Measured on Debian-MiniLM: 3%, 22% and 83% less error at
// 52, 202 and 370 bytes. A row is judged by itself alone, so that equal rows get equal codes.
struct Again {
  double loss;
  float gain;
};
constexpr std::array again = {Again{1.1, 0.85f}, Again{1.4, 0.7f}, Again{2, 0.55f}};

constexpr double most_gain = 1e30;  // a row that is far smaller is as good as zero

// What the encoding of one row leaves behind beside its rings.
struct RowResult {
  float scale = 0;            // before clamping and rounding
  float norm = 0;             // ‖x‖², l2 only
  std::vector<double> tails;  // by run: √(Σ_{r' ≥ r} step²·Σ l²)
  std::vector<double> match;  // by run: ⟨ẑ,z⟩ / ⟨z,z⟩, without the scale
};

// The share of a row's energy that its code is expected to lose; energy: of a component's square, as Analysis has it.
double expected_loss(const Shape& shape, std::span<const double> energy) {
  const std::vector<double> left = shares_left(shape, 0);
  std::vector<double> variance(left.size());
  for (std::size_t r = shape.run_count; r-- > 0;) {  // a component's first run is made for all of it
    const double deviation = deviation_of(shape.runs[r], shape.trellis);
    std::fill_n(variance.begin() + shape.runs[r].first, shape.runs[r].components(), deviation * deviation);
  }
  double out = 1;
  for (std::size_t j = 0; j < std::min(left.size(), energy.size()); ++j) out -= energy[j] * variance[j] * (1 - left[j]);
  return out;
}

class TcqEncoder final : public codec::Encoder {
 public:
  TcqEncoder(std::shared_ptr<const TcqModel> model, std::shared_ptr<const Analysis> analysis,
             const codec::Schema& schema, base::Sink& sink, base::ThreadPool& pool)
      : model_(std::move(model)),
        analysis_(std::move(analysis)),
        schema_(schema),
        sink_(sink),
        pool_(pool),
        drafter_(model_->shape, analysis_->energy),
        expected_loss_(expected_loss(model_->shape, analysis_->energy)) {
    for (std::size_t r = 0; r < model_->shape.run_count; ++r)
      planes_.emplace_back(planes_memory / model_->shape.run_count);
  }

  Status append(const codec::Chunk& chunk) override {
    return batches_.append(chunk, [this] { return encode_batch(); });
  }

  Status finish() override {
    ATTAR_TRY(batches_.finish([this] { return encode_batch(); }));
    return write_section();
  }

 private:
  struct Piece {
    std::size_t first = 0, rows = 0;
    Draft draft;
    std::vector<RowResult> results;
  };

  Status encode_batch() {
    const std::size_t rows = batches_.rows();
    std::vector<Piece> pieces((rows + piece_rows - 1) / piece_rows);
    pool_.run(pieces.size(), [&](std::size_t i, unsigned) {
      pieces[i].first = i * piece_rows;
      pieces[i].rows = std::min(piece_rows, rows - pieces[i].first);
      encode_piece(pieces[i]);
    });
    for (const Piece& piece : pieces) {
      for (std::size_t r = 0; r < planes_.size(); ++r) ATTAR_TRY(planes_[r].write(piece.draft.rings[r]));
      for (const RowResult& result : piece.results) keep(result);
    }
    return {};
  }

  void keep(const RowResult& result) {
    scales_.push_back(result.scale);
    if (schema_.metric == Metric::l2) norms_.push_back(result.norm);
    for (std::size_t r = 0; r < planes_.size(); ++r) {
      scaled_tail_[r] = std::max(scaled_tail_[r], static_cast<double>(result.scale) * result.tails[r]);
      plain_tail_[r] = std::max(plain_tail_[r], result.tails[r]);
      match_[r] += result.match[r];
    }
  }

  // Kept components come first.
  Columns analyse(const Piece& piece) const {
    const std::size_t dims = schema_.dims;
    std::vector<float> rows(piece.rows * dims);
    for (std::size_t row = 0; row < piece.rows; ++row)
      for (std::size_t i = 0; i < dims; ++i)
        rows[row * dims + i] = batches_.values()[(piece.first + row) * dims + i] - model_->centre[i];
    Columns out{.count = model_->hadamard ? dims : analysis_->matrix.rows,
                .stride = base::round_up(piece.rows, encode_lanes),
                .values = {}};
    out.values.resize(out.count * out.stride);
    if (!model_->hadamard) {
      simd::inner_products({.a = analysis_->matrix.values.data(),
                            .n = out.count,
                            .b = rows.data(),
                            .m = piece.rows,
                            .dims = dims,
                            .out = out.values.data(),
                            .stride = out.stride});
      return out;
    }
    std::vector<float> scratch(dims);
    for (std::size_t row = 0; row < piece.rows; ++row) {
      const std::span<float> values(rows.data() + row * dims, dims);
      model_->hadamard->apply(values, scratch);
      for (std::size_t j = 0; j < dims; ++j) out.values[j * out.stride + row] = values[j];
    }
    return out;
  }

  void encode_piece(Piece& piece) const {
    const Columns columns = analyse(piece);
    std::vector<double> energy(columns.stride);  // ⟨z,z⟩
    for (std::size_t i = 0; i < columns.count; ++i)
      for (std::size_t row = 0; row < columns.stride; ++row) {
        const auto y = static_cast<double>(columns.column(i)[row]);
        energy[row] += analysis_->energy[i] * y * y;
      }
    std::vector<float> gains(columns.stride);
    for (std::size_t row = 0; row < piece.rows; ++row)
      if (energy[row] > 0) gains[row] = static_cast<float>(std::min(1 / std::sqrt(energy[row]), most_gain));
    piece.draft = drafter_.code(columns, piece.rows, gains);
    for (const Again& next : again) code_again(piece, columns, energy, gains, next);
    for (std::size_t row = 0; row < piece.rows; ++row) piece.results.push_back(conclude_row(piece, row, energy[row]));
  }

  // Rows that came out badly are coded more quietly, and the closer code is kept.
  void code_again(Piece& piece, const Columns& columns, const std::vector<double>& energy,
                  const std::vector<float>& gains, const Again& next) const {
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < piece.rows; ++row)
      if (energy[row] > 0 && 1 - piece.draft.closeness(row) / energy[row] > next.loss * expected_loss_)
        rows.push_back(row);
    if (rows.empty()) return;
    Columns some{.count = columns.count, .stride = base::round_up(rows.size(), encode_lanes), .values = {}};
    some.values.resize(some.count * some.stride);
    for (std::size_t i = 0; i < some.count; ++i)
      for (std::size_t j = 0; j < rows.size(); ++j) some.values[i * some.stride + j] = columns.column(i)[rows[j]];
    std::vector<float> quieter(some.stride);
    for (std::size_t j = 0; j < rows.size(); ++j) quieter[j] = next.gain * gains[rows[j]];
    const Draft draft = drafter_.code(some, rows.size(), quieter);
    for (std::size_t j = 0; j < rows.size(); ++j)
      if (draft.closeness(j) > piece.draft.closeness(rows[j])) piece.draft.take(rows[j], draft, j, model_->shape);
  }

  RowResult conclude_row(const Piece& piece, std::size_t row, double energy) const {
    const std::size_t runs = planes_.size();
    RowResult out{.tails = std::vector<double>(runs), .match = std::vector<double>(runs)};
    if (energy > 0) {
      constexpr auto most = static_cast<double>(ScaleCoder::undirected);
      const double match = piece.draft.match_of(row);
      out.scale = match > 0 ? static_cast<float>(std::min(energy / match, most)) : ScaleCoder::undirected;
    }
    double tail = 0;
    for (std::size_t r = runs; r-- > 0;) {
      tail += piece.draft.squares[row * runs + r];
      out.tails[r] = std::sqrt(tail);
      if (energy > 0) out.match[r] = piece.draft.match[row * runs + r] / energy;
    }
    if (schema_.metric != Metric::l2) return out;
    if (!batches_.norms().empty()) {
      out.norm = batches_.norms()[piece.first + row];
      return out;
    }
    double norm = 0;
    for (std::size_t i = 0; i < schema_.dims; ++i) {
      const double value = static_cast<double>(batches_.values()[(piece.first + row) * schema_.dims + i]);
      norm += value * value;
    }
    out.norm = static_cast<float>(norm);
    return out;
  }

  Status write_section() {
    const Layout layout(schema_, model_->shape, model_->scale_bytes);
    std::uint64_t written = 0;
    const auto pad_to = [&](std::uint64_t offset) -> Status {
      const std::vector<std::byte> zeros(offset - written);
      written = offset;
      return sink_.write(zeros);
    };
    for (std::size_t r = 0; r < planes_.size(); ++r) {
      ATTAR_TRY(pad_to(layout.plane[r]));
      ATTAR_TRY(planes_[r].copy_to(sink_));
      written += planes_[r].size();
    }
    ATTAR_TRY(pad_to(layout.grid));
    const ScaleCoder coder = ScaleCoder::fit(scales_, model_->scale_bytes);
    base::ByteWriter out;
    out.write(coder.lowest());
    out.write(coder.ratio());
    for (const float scale : scales_) coder.write(scale, out);
    out.pad_to(8);
    for (std::size_t r = 0; r < planes_.size(); ++r) {
      // A decoded scale exceeds the row's own by half a step at most, or is the lowest of the grid.
      const double bound =
          std::max(std::min(scaled_tail_[r], plain_tail_[r] * coder.highest()) * coder.largest_growth() +
                       plain_tail_[r] * coder.largest_shift(),
                   plain_tail_[r] * coder.lowest());
      out.write(std::nextafter(static_cast<float>(bound), std::numeric_limits<float>::infinity()));
    }
    write_gains(out);
    out.write_array(std::span<const float>(norms_));
    return sink_.write(out.bytes());
  }

  // What the first runs alone must be multiplied with for their inner products to be right on average.
  void write_gains(base::ByteWriter& out) const {
    const double all = std::accumulate(match_.begin(), match_.end(), 0.0);
    double known = 0;
    for (std::size_t r = 0; r < planes_.size(); ++r) {
      known += match_[r];
      const double gain = known > 0 ? all / known : 1;
      out.write(r + 1 < planes_.size() ? static_cast<float>(std::clamp(gain, 1.0, largest_gain)) : 1.0f);
    }
  }

  std::shared_ptr<const TcqModel> model_;
  std::shared_ptr<const Analysis> analysis_;
  codec::Schema schema_;
  base::Sink& sink_;
  base::ThreadPool& pool_;
  Drafter drafter_;
  double expected_loss_;
  std::vector<base::SpillBuffer> planes_;
  RowBatches batches_{schema_, batch_rows};
  std::vector<float> scales_;
  std::vector<float> norms_;
  std::array<double, max_runs> scaled_tail_{};
  std::array<double, max_runs> plain_tail_{};
  std::array<double, max_runs> match_{};  // ⟨ẑ,z⟩ / ⟨z,z⟩ by runs, summed over rows
};

}  // namespace

Result<std::unique_ptr<codec::Encoder>> make_encoder(std::shared_ptr<const TcqModel> model, const codec::Schema& schema,
                                                     base::Sink& sink, base::ThreadPool& pool) {
  ATTAR_ASSIGN(auto analysis, model->encoder_side());
  return std::make_unique<TcqEncoder>(std::move(model), std::move(analysis), schema, sink, pool);
}

}  // namespace attar::vector::tcq
