#include "vector/tcq/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/half.h"
#include "base/spill.h"
#include "simd/inner_products.h"
#include "vector/tcq/layout.h"
#include "vector/tcq/scale.h"
#include "vector/tcq/trellis.h"

namespace attar::vector::tcq {
namespace {

constexpr std::size_t piece_rows = 128;               // one task of the pool
constexpr std::size_t batch_rows = 16 * piece_rows;   // rows gathered before the pool is called
constexpr std::uint64_t plane_memory = 64ull << 20;   // a plane beyond this moves to a scratch file

// Reconstruction values of each run's windows, for a component of unit variance.
using LevelValues = std::array<float, 256>;

// What the encoding of one row leaves behind beside its rings.
struct RowResult {
  float scale = 0;                        // before clamping and rounding
  float norm = 0;                         // ‖x‖², l2 only
  std::array<float, max_runs> tails{};    // √(Σ_{r' ≥ r} λ²·Σ l²)
};

class TcqEncoder final : public codec::Encoder {
 public:
  TcqEncoder(std::shared_ptr<const TcqModel> model, std::shared_ptr<const Analysis> analysis, const codec::Schema& schema,
             base::Sink& sink, base::ThreadPool& pool)
      : model_(std::move(model)), analysis_(std::move(analysis)), schema_(schema), sink_(sink), pool_(pool) {
    const Shape& shape = model_->shape;
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      planes_.emplace_back(plane_memory);
      const LevelTable& table = level_table(shape.trellis, shape.runs[r].bits);
      for (std::size_t i = 0; i < 256; ++i) levels_[r][i] = table.step * static_cast<float>(table.levels[i]);
    }
  }

  Status append(const codec::Chunk& chunk) override {
    if (chunk.dims != schema_.dims) return fail(ErrorCode::invalid_argument, "a chunk has other dimensions than the schema");
    if (chunk.rows() > schema_.rows - appended_) return fail(ErrorCode::invalid_argument, "more rows than the schema says");
    appended_ += chunk.rows();
    std::span<const float> values = chunk.values;
    const std::size_t full = batch_rows * schema_.dims;
    while (!values.empty()) {
      const std::size_t taken = std::min(full - pending_.size(), values.size());
      pending_.insert(pending_.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(taken));
      values = values.subspan(taken);
      if (pending_.size() == full) ATTAR_TRY(encode_pending());
    }
    return {};
  }

  Status finish() override {
    if (appended_ != schema_.rows)
      return fail(ErrorCode::invalid_argument, fmt::format("{} rows were announced, {} came", schema_.rows, appended_));
    ATTAR_TRY(encode_pending());
    return write_section();
  }

 private:
  struct Piece {
    std::size_t first = 0, rows = 0;
    std::array<std::vector<std::byte>, max_runs> rings;  // blocks of 32 rows, the last padded to 8
    std::vector<RowResult> results;
  };

  Status encode_pending() {
    const std::size_t rows = pending_.size() / schema_.dims;
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
    pending_.clear();
    return {};
  }

  void keep(const RowResult& result) {
    scales_.push_back(result.scale);
    if (schema_.metric == Metric::l2) norms_.push_back(result.norm);
    for (std::size_t r = 0; r < planes_.size(); ++r) {
      scaled_tail_[r] = std::max(scaled_tail_[r], static_cast<double>(result.scale) * static_cast<double>(result.tails[r]));
      plain_tail_[r] = std::max(plain_tail_[r], static_cast<double>(result.tails[r]));
    }
  }

  // Components of the piece's rows, kept ones first; `row_components` values a row.
  std::vector<float> analyse(const Piece& piece) const {
    const std::size_t dims = schema_.dims;
    std::vector<float> centred(piece.rows * dims);
    for (std::size_t row = 0; row < piece.rows; ++row)
      for (std::size_t i = 0; i < dims; ++i)
        centred[row * dims + i] = pending_[(piece.first + row) * dims + i] - model_->centre[i];
    if (!model_->hadamard) {
      std::vector<float> out(piece.rows * analysis_->matrix.rows);
      simd::inner_products({.a = centred.data(),
                            .n = piece.rows,
                            .b = analysis_->matrix.values.data(),
                            .m = analysis_->matrix.rows,
                            .dims = dims,
                            .out = out.data(),
                            .stride = analysis_->matrix.rows});
      return out;
    }
    std::vector<float> scratch(dims);
    for (std::size_t row = 0; row < piece.rows; ++row) {
      const std::span<float> values(centred.data() + row * dims, dims);
      model_->hadamard->apply(values, scratch);
      std::size_t j = 0;
      for (std::size_t r = 0; r < model_->shape.run_count; ++r)
        for (std::uint32_t i = 0; i < model_->shape.runs[r].components() && j < dims; ++i, ++j)
          values[j] = model_->deviations[r] > 0 ? values[j] / model_->deviations[r] : 0.0f;
    }
    return centred;
  }

  void encode_piece(Piece& piece) const {
    const Shape& shape = model_->shape;
    const std::vector<float> components = analyse(piece);
    const std::size_t width = components.size() / piece.rows;
    piece.results.resize(piece.rows);
    std::vector<double> energy(piece.rows), match(piece.rows);
    for (std::size_t row = 0; row < piece.rows; ++row)
      for (std::size_t i = 0; i < width; ++i) {
        const double y = static_cast<double>(components[row * width + i]);
        energy[row] += static_cast<double>(analysis_->energy[i]) * y * y;
      }
    std::vector<std::array<double, max_runs>> level_energy(piece.rows);
    std::size_t first = 0;
    for (std::size_t r = 0; r < shape.run_count; ++r) {
      encode_run(piece, r, first, components, width, energy, match, level_energy);
      first += shape.runs[r].components();
    }
    for (std::size_t row = 0; row < piece.rows; ++row) {
      RowResult& result = piece.results[row];
      result.scale = match[row] > 0 ? static_cast<float>(energy[row] / match[row]) : 0.0f;
      if (energy[row] > 0 && match[row] <= 0) result.scale = std::numeric_limits<float>::max();  // clamped by finish()
      double tail = 0;
      for (std::size_t r = shape.run_count; r-- > 0;) {
        tail += level_energy[row][r];
        result.tails[r] = static_cast<float>(std::sqrt(tail));
      }
      if (schema_.metric != Metric::l2) continue;
      double norm = 0;
      for (std::size_t i = 0; i < schema_.dims; ++i) {
        const double value = static_cast<double>(pending_[(piece.first + row) * schema_.dims + i]);
        norm += value * value;
      }
      result.norm = static_cast<float>(norm);
    }
  }

  // One run of all rows of a piece, sixteen rows at a time.
  void encode_run(Piece& piece, std::size_t r, std::size_t first, const std::vector<float>& components, std::size_t width,
                  const std::vector<double>& energy, std::vector<double>& match,
                  std::vector<std::array<double, max_runs>>& level_energy) const {
    const Run& run = model_->shape.runs[r];
    const Width& layout = widths[run.bits];
    const std::size_t padded = base::round_up(piece.rows, 8);
    piece.rings[r].assign(padded * run.row_bytes(), std::byte{0});
    std::array<float, max_unit * encode_lanes> values;
    std::array<std::uint8_t, max_unit * encode_lanes> symbols;
    for (std::size_t row = 0; row < piece.rows; row += encode_lanes) {
      const std::size_t lanes = std::min(encode_lanes, piece.rows - row);
      std::array<float, encode_lanes> gain{};
      for (std::size_t l = 0; l < lanes; ++l)
        if (energy[row + l] > 0) gain[l] = static_cast<float>(std::sqrt(analysis_->expected_energy / energy[row + l]));
      for (std::uint32_t unit = 0; unit < run.units; ++unit) {
        const std::size_t at = first + unit * layout.unit;
        const auto component = [&](std::size_t l, std::size_t j) {
          // Components beyond the dimensions are padding; those of dropped directions lie after the kept ones.
          return at + j < std::min<std::size_t>(width, schema_.dims) ? components[(row + l) * width + at + j] : 0.0f;
        };
        for (std::size_t j = 0; j < layout.unit; ++j)
          for (std::size_t l = 0; l < encode_lanes; ++l)
            values[j * encode_lanes + l] = l < lanes ? gain[l] * component(l, j) : 0.0f;
        encode_values(run, levels_[r].data(), values.data(), symbols.data());
        for (std::size_t l = 0; l < lanes; ++l) {
          std::byte* ring = ring_of(piece, r, row + l, unit);
          pack_ring(layout, symbols.data() + l, encode_lanes, ring);
          for (std::uint32_t j = 0; j < layout.unit; ++j) {
            const double level = static_cast<double>(levels_[r][ring_window(ring, layout, j)]);
            level_energy[row + l][r] += level * level;
            if (at + j < analysis_->energy.size())
              match[row + l] += static_cast<double>(analysis_->energy[at + j]) * level * static_cast<double>(component(l, j));
          }
        }
      }
    }
  }

  static void encode_values(const Run& run, const float* levels, const float* values, std::uint8_t* symbols) noexcept {
    const Width& width = widths[run.bits];
    if (run.bits < max_width) return encode_unit(width, levels, values, symbols);
    const float step = levels[129];  // uniform: level i − 128 steps
    for (std::size_t i = 0; i < width.unit * encode_lanes; ++i)
      symbols[i] = static_cast<std::uint8_t>(std::clamp(std::lrint(values[i] / step), -127L, 127L) + 128);
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
      const double bound = std::max(std::min(scaled_tail_[r], plain_tail_[r] * coder.highest()) * coder.largest_growth(),
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
  std::vector<float> pending_;
  std::uint64_t appended_ = 0;
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
