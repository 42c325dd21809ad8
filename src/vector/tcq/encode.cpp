#include "vector/tcq/encode.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/half.h"
#include "base/spill.h"
#include "simd/inner_products.h"
#include "vector/common/rows.h"
#include "vector/tcq/layout.h"
#include "vector/tcq/scale.h"
#include "vector/tcq/trellis.h"

namespace attar::vector::tcq {
namespace {

constexpr std::size_t piece_rows = 128;              // one task of the pool
constexpr std::size_t batch_rows = 16 * piece_rows;  // rows gathered before the pool is called
constexpr std::uint64_t plane_memory = 64ull << 20;  // a plane beyond this moves to a scratch file

constexpr double most_gain = 1e30;  // a row that is far smaller is as good as zero

// Reconstruction values of each run's windows, for a component of unit variance.
using LevelValues = std::array<float, 256>;

// What the encoding of one row leaves behind beside its rings.
struct RowResult {
  float scale = 0;                      // before clamping and rounding
  float norm = 0;                       // ‖x‖², l2 only
  std::array<float, max_runs> tails{};  // √(Σ_{r' ≥ r} λ²·Σ l²)
};

class TcqEncoder final : public codec::Encoder {
 public:
  TcqEncoder(std::shared_ptr<const TcqModel> model, std::shared_ptr<const Analysis> analysis,
             const codec::Schema& schema, base::Sink& sink, base::ThreadPool& pool)
      : model_(std::move(model)), analysis_(std::move(analysis)), schema_(schema), sink_(sink), pool_(pool) {
    const Shape& shape = model_->shape;
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      planes_.emplace_back(plane_memory);
      const LevelTable& table = level_table(shape.trellis, shape.runs[r].bits);
      for (std::size_t i = 0; i < 256; ++i) levels_[r][i] = table.step * static_cast<float>(table.levels[i]);
    }
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
    std::array<std::vector<std::byte>, max_runs> rings;  // blocks of 32 rows, the last padded to 8
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
      for (std::size_t r = 0; r < planes_.size(); ++r) ATTAR_TRY(planes_[r].write(piece.rings[r]));
      for (const RowResult& result : piece.results) keep(result);
    }
    return {};
  }

  void keep(const RowResult& result) {
    scales_.push_back(result.scale);
    if (schema_.metric == Metric::l2) norms_.push_back(result.norm);
    for (std::size_t r = 0; r < planes_.size(); ++r) {
      scaled_tail_[r] =
          std::max(scaled_tail_[r], static_cast<double>(result.scale) * static_cast<double>(result.tails[r]));
      plain_tail_[r] = std::max(plain_tail_[r], static_cast<double>(result.tails[r]));
    }
  }

  // Components of the piece's rows, kept ones first, as columns: component i of all rows stands at [i · stride], stride
  // being the rows rounded up to whole groups of encode_lanes.
  struct Columns {
    std::size_t count = 0, stride = 0;
    std::vector<float> values;

    [[nodiscard]] const float* column(std::size_t i) const noexcept { return values.data() + i * stride; }
  };

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
      std::size_t j = 0;
      for (std::size_t r = 0; r < model_->shape.run_count; ++r)
        for (std::uint32_t i = 0; i < model_->shape.runs[r].components() && j < dims; ++i, ++j)
          out.values[j * out.stride + row] = model_->deviations[r] > 0 ? values[j] / model_->deviations[r] : 0.0f;
    }
    return out;
  }

  // Sums over a piece's rows while its runs are encoded.
  struct Tally {
    std::vector<float> gain;            // to the variance that the levels are made for
    std::vector<double> energy, match;  // ⟨z, z⟩ and ⟨ẑ, z⟩ without the scale
    std::vector<std::array<double, max_runs>> level_energy;
  };

  void encode_piece(Piece& piece) const {
    const Shape& shape = model_->shape;
    const Columns components = analyse(piece);
    piece.results.resize(piece.rows);
    Tally tally{.gain = std::vector<float>(components.stride),
                .energy = std::vector<double>(components.stride),
                .match = std::vector<double>(components.stride),
                .level_energy = std::vector<std::array<double, max_runs>>(components.stride)};
    for (std::size_t i = 0; i < components.count; ++i) {
      const auto weight = static_cast<double>(analysis_->energy[i]);
      const float* column = components.column(i);
      for (std::size_t row = 0; row < components.stride; ++row) {
        const auto y = static_cast<double>(column[row]);
        tally.energy[row] += weight * y * y;
      }
    }
    for (std::size_t row = 0; row < piece.rows; ++row)
      if (tally.energy[row] > 0)
        tally.gain[row] = static_cast<float>(std::min(1 / std::sqrt(tally.energy[row]), most_gain));
    std::size_t first = 0;
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      encode_run(piece, r, first, components, tally);
      first += shape.runs[r].components();
    }
    for (std::size_t row = 0; row < piece.rows; ++row) conclude_row(piece, row, tally);
  }

  void conclude_row(Piece& piece, std::size_t row, const Tally& tally) const {
    RowResult& result = piece.results[row];
    const double energy = tally.energy[row], match = tally.match[row];
    if (energy > 0) {
      constexpr auto most = static_cast<double>(ScaleCoder::undirected);
      result.scale = match > 0 ? static_cast<float>(std::min(energy / match, most)) : ScaleCoder::undirected;
    }
    double tail = 0;
    for (std::size_t r = model_->shape.run_count; r-- > 0;) {
      tail += tally.level_energy[row][r];
      result.tails[r] = static_cast<float>(std::sqrt(tail));
    }
    if (schema_.metric != Metric::l2) return;
    double norm = 0;
    for (std::size_t i = 0; i < schema_.dims; ++i) {
      const double value = static_cast<double>(batches_.values()[(piece.first + row) * schema_.dims + i]);
      norm += value * value;
    }
    result.norm = static_cast<float>(norm);
  }

  // One run of all rows of a piece, encode_lanes rows at a time.
  void encode_run(Piece& piece, std::size_t r, std::size_t first, const Columns& components, Tally& tally) const {
    const Run& run = model_->shape.runs[r];
    piece.rings[r].assign(base::round_up(piece.rows, 8) * run.row_bytes(), std::byte{0});
    for (std::size_t row = 0; row < piece.rows; row += encode_lanes)
      for (std::uint32_t unit = 0; unit < run.units; ++unit)
        encode_group(piece, r, first, row, unit, components, tally);
  }

  // One unit of encode_lanes rows.
  void encode_group(Piece& piece, std::size_t r, std::size_t first, std::size_t row, std::uint32_t unit,
                    const Columns& components, Tally& tally) const {
    const Run& run = model_->shape.runs[r];
    const Width& layout = widths[run.bits];
    const std::size_t at = first + unit * layout.unit;
    // Components beyond the dimensions are padding; those of dropped directions lie after the kept ones.
    const std::size_t known = std::min<std::size_t>(components.count, schema_.dims);
    const std::size_t real = at < known ? std::min<std::size_t>(layout.unit, known - at) : 0;
    std::array<float, max_unit * encode_lanes> values{};
    for (std::size_t j = 0; j < real; ++j)
      for (std::size_t l = 0; l < encode_lanes; ++l)
        values[j * encode_lanes + l] = tally.gain[row + l] * components.column(at + j)[row + l];
    std::array<std::uint8_t, max_unit * encode_lanes> windows;
    encode_values(run, levels_[r].data(), values.data(), windows.data());
    std::array<double, encode_lanes> energy{}, match{};
    for (std::size_t j = 0; j < layout.unit; ++j) {
      const double weight = j < real ? static_cast<double>(analysis_->energy[at + j]) : 0;
      const float* column = j < real ? components.column(at + j) + row : values.data() + j * encode_lanes;
      for (std::size_t l = 0; l < encode_lanes; ++l) {
        const auto level = static_cast<double>(levels_[r][windows[j * encode_lanes + l]]);
        energy[l] += level * level;
        match[l] += weight * level * static_cast<double>(column[l]);
      }
    }
    for (std::size_t l = 0; l < std::min(encode_lanes, piece.rows - row); ++l) {
      pack_ring(layout, windows.data() + l, encode_lanes, ring_of(piece, r, row + l, unit));
      tally.level_energy[row + l][r] += energy[l];
      tally.match[row + l] += match[l];
    }
  }

  static void encode_values(const Run& run, const float* levels, const float* values, std::uint8_t* windows) noexcept {
    const Width& width = widths[run.bits];
    if (run.bits < max_width) return encode_unit(width, levels, values, windows);
    const float step = levels[129];  // uniform: level i − 128 steps
    for (std::size_t i = 0; i < width.unit * encode_lanes; ++i)
      windows[i] = static_cast<std::uint8_t>(std::clamp(std::lrint(values[i] / step), -127L, 127L) + 128);
  }

  std::byte* ring_of(Piece& piece, std::size_t r, std::size_t row, std::size_t unit) const {
    const Run& run = model_->shape.runs[r];
    const std::size_t block = row / block_rows;
    const std::size_t rows = std::min(block_rows, base::round_up(piece.rows, 8) - block * block_rows);
    return piece.rings[r].data() + block * block_rows * run.row_bytes() +
           (unit * rows + row % block_rows) * widths[run.bits].ring_bytes;
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
    out.write_array(std::span<const float>(norms_));
    return sink_.write(out.bytes());
  }

  std::shared_ptr<const TcqModel> model_;
  std::shared_ptr<const Analysis> analysis_;
  codec::Schema schema_;
  base::Sink& sink_;
  base::ThreadPool& pool_;
  std::array<LevelValues, max_runs> levels_{};
  std::vector<base::SpillBuffer> planes_;
  RowBatches batches_{schema_, batch_rows};
  std::vector<float> scales_;
  std::vector<float> norms_;
  std::array<double, max_runs> scaled_tail_{};
  std::array<double, max_runs> plain_tail_{};
};

}  // namespace

Result<std::unique_ptr<codec::Encoder>> make_encoder(std::shared_ptr<const TcqModel> model, const codec::Schema& schema,
                                                     base::Sink& sink, base::ThreadPool& pool) {
  ATTAR_ASSIGN(auto analysis, model->encoder_side());
  return std::make_unique<TcqEncoder>(std::move(model), std::move(analysis), schema, sink, pool);
}

}  // namespace attar::vector::tcq
