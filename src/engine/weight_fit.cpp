#include "engine/weight_fit.h"

#include <algorithm>

#include "base/checked.h"

namespace attar::engine {
namespace {

namespace steps = tensor::steps;

// Half steps that are tried lie half an octave apart, from four root mean squares (all zeros) to a 2^15th.
constexpr int rates_above = 4, rates_below = 30;
// Tables are fitted to so many elements at most; a file's symbols are counted once it is written.
constexpr double fitted_elements = 1u << 23;
constexpr std::size_t jobs_together = 64;
// Of a block beside its symbols: states, lengths, and some bits a row.
constexpr double bits_of_a_block = 1100;

double log2_of(double value) { return std::log2(std::max(value, 0x1p-1000)); }

double block_bits(const LossyTensor& tensor) {
  return bits_of_a_block * static_cast<double>(base::ceil_div(tensor.view.schema.count, tensor.view.block_elements));
}

// Bits at a half step, between the two that were tried around it.
double bits_of(const LossyTensor& tensor, double half_step) {
  const auto& rates = tensor.rates;
  const double at = log2_of(half_step);
  const auto log_of = [](const steps::Rate& rate) { return log2_of(static_cast<double>(rate.half_step)); };
  std::size_t i = 1;
  while (i + 1 < rates.size() && log_of(rates[i]) > at) ++i;
  const double wide = log_of(rates[i - 1]), fine = log_of(rates[i]);
  const double t = wide > fine ? (wide - at) / (wide - fine) : 0;
  return std::max(0.0, rates[i - 1].bits + t * (rates[i].bits - rates[i - 1].bits)) + block_bits(tensor);
}

// The half step that takes these bits; rates fall with it.
double half_step_for(const LossyTensor& tensor, double bits) {
  double wide = static_cast<double>(tensor.rates.front().half_step);
  double fine = static_cast<double>(tensor.rates.back().half_step);
  for (int i = 0; i < 60 && wide > fine; ++i) {
    const double middle = std::sqrt(wide * fine);
    (bits_of(tensor, middle) < bits ? wide : fine) = middle;
  }
  return fine;
}

double half_step_of(const LossyTensor& tensor, double step) {
  const double free = 0.5 * step * std::sqrt(tensor.square / tensor.sensitivity);
  return std::min(free, tensor.widest_half_step);
}

// Tensors of a group share a table: elements of the same size, along a trellis or not, themselves or differences.
std::uint32_t group_of(const LossyTensor& tensor) {
  return tensor.view.schema.element.bytes | (tensor.setting.rounding == steps::Rounding::trellis ? 0u : 0x100u) |
         (tensor.moves() ? 0x200u : 0u);
}

double escape_bits_of(std::uint32_t group) { return 8.0 * (group & 0xff); }

// How many of a tensor's blocks stand for all of them, evenly spread.
std::uint64_t sampled(std::uint64_t blocks, double share) {
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(static_cast<double>(blocks) * share)), 1,
                                   blocks);
}

// A class that few elements are in takes after its neighbours: with another step they may all be in it.
codec::TableSets::Counts spread(const codec::TableSets::Counts& counts) {
  constexpr std::uint64_t few = 256, part = 16;
  codec::TableSets::Counts out = counts;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    std::uint64_t own = 0;
    for (const std::uint64_t count : counts[c]) own += count;
    if (own >= few) continue;
    for (std::size_t s = 0; s < counts[c].size(); ++s) {
      const std::uint64_t beside = (c >= 2 ? counts[c - 2][s] : 0) + (c + 2 < counts.size() ? counts[c + 2][s] : 0);
      out[c][s] += (beside + part - 1) / part;
    }
  }
  return out;
}

double sampled_elements(const LossyTensor& tensor, std::uint64_t blocks, std::uint64_t count) {
  double out = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t first = i * blocks / count * tensor.view.block_elements;
    out += static_cast<double>(std::min(tensor.view.block_elements, tensor.view.schema.count - first));
  }
  return out;
}

}  // namespace

double LossyTensor::relative_error() const noexcept { return square > 0 ? squared_error / square : 0; }

Status WeightFit::look() {
  for (LossyTensor& tensor : tensors_) {
    if (!tensor.base) continue;
    ATTAR_TRY(base::check_cancelled(progress_));
    ATTAR_ASSIGN(const std::vector<std::byte> base, load_base_(tensor));
    ATTAR_TRY(look_at(tensor, base));
  }
  std::vector<Status> outcome(tensors_.size());
  for (std::size_t first = 0; first < tensors_.size(); first += jobs_together) {
    ATTAR_TRY(base::check_cancelled(progress_));
    pool_.run(std::min(jobs_together, tensors_.size() - first), [&](std::size_t i, unsigned) {
      if (!tensors_[first + i].base) outcome[first + i] = look_at(tensors_[first + i], {});
    });
  }
  for (const Status& own : outcome) ATTAR_TRY(own);
  return {};
}

Status WeightFit::look_at(LossyTensor& tensor, base::ByteView base) const {
  tensor.weights = steps::Weights::look(tensor.view);
  tensor.square = tensor.weights->square();
  const double largest = tensor.weights->largest();
  if (tensor.base) {
    codec::TensorView view = tensor.view;
    view.base = base;
    auto moves = steps::Weights::look(view);
    if (moves->square() < tensor.square)
      tensor.weights = std::move(moves);
    else
      tensor.base.reset();
  }
  const steps::Weights& weights = *tensor.weights;
  if (tensor.bound) {
    const double bound = tensor.bound->value * (tensor.bound->relative ? largest : 1);
    // A tensor of zeros alone, or none finite: any step keeps it.
    ATTAR_ASSIGN(tensor.setting, steps::bounded_by(bound > 0 ? bound : 1, weights.root_mean_square()));
    tensor.fixed = true;
    return {};
  }
  const double size = std::max(weights.root_mean_square(), 1e-30);
  std::vector<float> half_steps;
  for (int k = rates_above; k >= -rates_below; --k)
    half_steps.push_back(static_cast<float>(std::clamp(size * std::exp2(0.5 * k), 0x1p-126, 0x1p119)));
  tensor.rates = weights.rates(half_steps, base);
  if (tensor.pin == nullptr) return {};
  const double half_step = half_step_for(tensor, tensor.pin->bits * tensor.elements());
  if (tensor.pin->kind == TensorPin::Kind::least_bits) {
    tensor.widest_half_step = half_step;
  } else {
    tensor.setting = steps::setting_of(half_step, weights.root_mean_square());
    tensor.fixed = true;
  }
  return {};
}

double WeightFit::bits_at(double step) const {
  double out = 0;
  for (const LossyTensor& tensor : tensors_) {
    if (tensor.fixed)
      out += tensor.rates.empty() ? 0 : bits_of(tensor, static_cast<double>(tensor.setting.half_step));
    else
      out += std::min(bits_of(tensor, half_step_of(tensor, step)), 8 * tensor.lossless_bytes);
  }
  return out;
}

double WeightFit::least_bits() const { return table_bits_ + bits_at(0x1p300); }

double WeightFit::step_for(double bits) const {
  // Steps between which every free tensor goes from the finest that was tried to all zeros.
  double fine = 0x1p300, wide = 0x1p-300;
  for (const LossyTensor& tensor : tensors_) {
    if (tensor.fixed || tensor.square == 0) continue;
    const double unit = 0.5 * std::sqrt(tensor.square / tensor.sensitivity);
    fine = std::min(fine, static_cast<double>(tensor.rates.back().half_step) / unit);
    wide = std::max(wide, static_cast<double>(tensor.rates.front().half_step) / unit);
  }
  if (fine >= wide) return fine < 0x1p300 ? fine : 0;
  for (int i = 0; i < 80; ++i) {
    const double middle = std::sqrt(wide * fine);
    (bits_at(middle) < bits ? wide : fine) = middle;
  }
  return wide;
}

void WeightFit::apply(double step, bool keep_rounding) {
  step_ = step;
  for (LossyTensor& tensor : tensors_) {
    if (tensor.fixed || tensor.lossless) continue;
    const steps::Setting former = tensor.setting;
    tensor.setting = steps::setting_of(half_step_of(tensor, step), tensor.weights->root_mean_square());
    if (!keep_rounding) continue;
    tensor.setting.rounding = former.rounding;
    tensor.setting.low = former.low;
  }
}

bool WeightFit::is_near(double step) const noexcept {
  constexpr double near = 0.01;
  return std::fabs(log2_of(step / fitted_step_)) <= near;
}

void WeightFit::set_step(double step) { apply(step, true); }

Status WeightFit::fit_at(double step) {
  apply(step, true);
  return turn();
}

double WeightFit::bits() const {
  double out = table_bits_;
  for (const LossyTensor& tensor : tensors_) out += tensor.lossless ? 8 * tensor.lossless_bytes : tensor.bits;
  return out;
}

double WeightFit::bits_of_an_octave() const {
  double out = 0;
  for (const LossyTensor& tensor : tensors_) {
    if (tensor.fixed || tensor.lossless) continue;
    const double half_step = half_step_of(tensor, step_);
    if (half_step >= tensor.widest_half_step) continue;
    out += bits_of(tensor, half_step / std::sqrt(2.0)) - bits_of(tensor, half_step * std::sqrt(2.0));
  }
  return std::max(out, 1.0);
}

Result<WeightFit::Tallies> WeightFit::gather(const OfBlock& of_block, bool keep_bits) {
  double elements = 0;
  for (const LossyTensor& tensor : tensors_) elements += tensor.lossless ? 0 : tensor.elements();
  const double share = std::min(1.0, fitted_elements / std::max(elements, 1.0));

  struct Job {
    LossyTensor* tensor;
    std::uint64_t block;
    double times;  ///< as many elements as it has it stands for
  };
  Tallies out;
  std::vector<Job> jobs;
  std::vector<steps::Tally> tallies(jobs_together);
  const auto flush = [&](base::ByteView base) -> Status {
    ATTAR_TRY(base::check_cancelled(progress_));
    for (std::size_t first = 0; first < jobs.size(); first += jobs_together) {
      const std::size_t count = std::min(jobs_together, jobs.size() - first);
      pool_.run(count, [&](std::size_t i, unsigned) {
        tallies[i] = of_block(*jobs[first + i].tensor, jobs[first + i].block, base);
      });
      for (std::size_t i = 0; i < count; ++i) {
        const Job& job = jobs[first + i];
        out[group_of(*job.tensor)].add(tallies[i], job.times);
        if (!keep_bits) continue;
        job.tensor->bits += tallies[i].bits * job.times;
        job.tensor->squared_error += tallies[i].squared_error * job.times;
      }
    }
    jobs.clear();
    return {};
  };
  for (LossyTensor& tensor : tensors_) {
    if (tensor.lossless) continue;
    if (keep_bits) tensor.bits = tensor.squared_error = 0;
    const std::uint64_t blocks = tensor.weights->blocks(), count = sampled(blocks, share);
    const double times = tensor.elements() / sampled_elements(tensor, blocks, count);
    if (tensor.base) ATTAR_TRY(flush({}));
    for (std::uint64_t i = 0; i < count; ++i) jobs.push_back({&tensor, i * blocks / count, times});
    if (tensor.base) {
      ATTAR_ASSIGN(const std::vector<std::byte> base, load_base_(tensor));
      ATTAR_TRY(flush(base));
    } else if (jobs.size() >= jobs_together) {
      ATTAR_TRY(flush({}));
    }
  }
  ATTAR_TRY(flush({}));
  return out;
}

// Every group that has tensors gets tables, from the nearest levels.
Status WeightFit::begin_models() {
  const bool all_there = std::ranges::all_of(
      tensors_, [&](const LossyTensor& tensor) { return tensor.lossless || models_.contains(group_of(tensor)); });
  if (all_there) return {};
  const auto of_block = [](const LossyTensor& tensor, std::uint64_t block, base::ByteView base) {
    return tensor.weights->count_nearest(tensor.setting, block, base);
  };
  ATTAR_ASSIGN(const Tallies found, gather(of_block, false));
  for (const auto& [group, tally] : found)
    models_.try_emplace(group, steps::fit(spread(tally.counts), escape_bits_of(group)));
  return {};
}

Status WeightFit::turn() {
  // Far from where they were fitted, tables have no codes for what is frequent now.
  constexpr double far = 0.1;
  if (step_ != 0 && std::fabs(log2_of(step_ / fitted_step_)) > far) models_.clear();
  fitted_step_ = step_;
  ATTAR_TRY(begin_models());
  const auto of_block = [this](const LossyTensor& tensor, std::uint64_t block, base::ByteView base) {
    return tensor.weights->measure(tensor.setting, models_.at(group_of(tensor)), block, base);
  };
  ATTAR_ASSIGN(const Tallies found, gather(of_block, true));
  for (const auto& [group, tally] : found)
    models_.insert_or_assign(group, steps::fit(spread(tally.counts), escape_bits_of(group)));
  return count_table_bits();
}

Status WeightFit::count_table_bits() {
  codec::TableSets tables;
  for (const auto& [group, model] : models_) {
    ATTAR_ASSIGN(const std::uint32_t number, tables.add(model));
    static_cast<void>(number);
  }
  base::ByteWriter saved;
  tables.save(saved);
  table_bits_ = 8.0 * static_cast<double>(saved.size());
  return {};
}

void WeightFit::leave_to_lossless() {
  for (LossyTensor& tensor : tensors_)
    if (!tensor.lossless && tensor.bits >= 8 * tensor.lossless_bytes) tensor.lossless = true;
}

Status WeightFit::fit(double bits_wanted) {
  constexpr int most_turns = 5;
  constexpr double settled = 0.02;  // octaves
  apply(step_for(bits_wanted - table_bits_), false);
  for (int i = 1; i <= most_turns; ++i) {
    ATTAR_TRY(turn());
    if (step_ == 0) continue;
    const double octaves = (bits() - bits_wanted) / bits_of_an_octave();
    if (std::fabs(octaves) < 4 * settled) leave_to_lossless();
    apply(step_ * std::exp2(std::clamp(octaves, -2.0, 2.0)), true);
    if (i >= steps::default_turns && std::fabs(octaves) < settled) break;
  }
  return {};
}

Status WeightFit::fit_tables() {
  ATTAR_TRY(turn());
  leave_to_lossless();
  return turn();
}

Status WeightFit::add_tables(codec::TableSets& tables) {
  std::map<std::uint32_t, std::uint32_t> numbers;
  for (LossyTensor& tensor : tensors_) {
    if (tensor.lossless) continue;
    const std::uint32_t group = group_of(tensor);
    if (!numbers.contains(group)) {
      ATTAR_ASSIGN(numbers[group], tables.add(models_.at(group)));
    }
    tensor.table = numbers[group];
  }
  return {};
}

}  // namespace attar::engine
