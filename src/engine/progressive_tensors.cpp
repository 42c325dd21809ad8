#include "engine/progressive_tensors.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/hash.h"
#include "engine/loss_meter.h"
#include "tensor/refined/cells.h"

namespace attar::engine {
namespace {

// Tables are fitted to so many elements at most.
constexpr double fitted_to = 1u << 23;
constexpr std::size_t blocks_together = 64;
// Of a refinement in the list of them: its state, its block, and lengths.
constexpr double bytes_of_a_listing = 30;
// A Gaussian of deviation 1 takes so many bits with steps of 1.
constexpr double bits_of_a_bell = 2.047;

double weight_of(const LossyTensor& tensor, double square) { return square > 0 ? tensor.sensitivity / square : 0; }

/// Consecutive passes of a block: up to `passes`, for so many bytes and so much error less.
struct Stretch {
  std::size_t passes = 0;
  double bytes = 0, gain = 0;

  [[nodiscard]] double slope() const noexcept { return gain / (bytes + bytes_of_a_listing); }
};

// Passes joined until what a byte brings falls from stretch to stretch, and each brings something.
std::vector<Stretch> stretches_of(const std::vector<std::vector<std::byte>>& passes,
                                  const std::vector<format::BlockState>& states) {
  std::vector<Stretch> out;
  for (std::size_t i = 0; i < passes.size(); ++i) {
    Stretch own{.passes = i + 1,
                .bytes = static_cast<double>(passes[i].size()),
                .gain = states[i].squared_error - states[i + 1].squared_error};
    while (!out.empty() && out.back().slope() <= own.slope()) {
      own.bytes += out.back().bytes;
      own.gain += out.back().gain;
      out.pop_back();
    }
    out.push_back(own);
  }
  while (!out.empty() && !(out.back().gain > 0)) out.pop_back();
  return out;
}

}  // namespace

std::uint64_t refined_block_elements(std::uint64_t columns) noexcept {
  return std::max<std::uint64_t>(1, tensor::refined::good_block_elements / columns) * columns;
}

Status ProgressivePacking::look() {
  planes_.resize(tensors_.size());
  for (std::size_t first = 0; first < tensors_.size(); first += blocks_together) {
    ATTAR_TRY(base::check_cancelled(progress_));
    pool_.run(std::min(blocks_together, tensors_.size() - first), [&](std::size_t i, unsigned) {
      planes_[first + i] = tensor::refined::Planes::look(tensors_[first + i].view);
    });
  }
  std::uint64_t blocks = 0;
  for (const auto& own : planes_) {
    first_blocks_.push_back(static_cast<std::uint32_t>(blocks));
    blocks += own->blocks();
  }
  if (blocks > 0xffff'ffff) return fail(ErrorCode::over_limit, "has more blocks than an artifact may have");
  return {};
}

// As if all weights were Gaussian: what is meant is about how fine the last planes are.
double ProgressivePacking::step_for(double bits) const {
  double weights = 0;
  for (const LossyTensor& tensor : tensors_) weights += tensor.elements();
  double fine = 0x1p-60, wide = 1;
  for (int i = 0; i < 100; ++i) {
    const double middle = std::sqrt(fine * wide);
    double sum = 0;
    for (const LossyTensor& tensor : tensors_) {
      const double steps = middle * std::sqrt(tensor.elements() / tensor.sensitivity);  // over the root mean square
      sum += tensor.elements() * std::max(0.0, bits_of_a_bell - std::log2(steps));
    }
    (sum < bits * weights ? wide : fine) = middle;
  }
  return wide;
}

double ProgressivePacking::step_of(std::size_t place, std::uint64_t block) const {
  const double norm = std::sqrt(planes_[place]->square() / tensors_[place].sensitivity);
  return step_ * norm * tensor::refined::phase_of(first_blocks_[place] + block);
}

Status ProgressivePacking::fit(double bits) {
  ATTAR_TRY(look());
  step_ = step_for(bits);
  return fit_table();
}

Status ProgressivePacking::fit_table() {
  struct Job {
    std::size_t place;
    std::uint64_t block;
  };
  double elements = 0;
  for (const LossyTensor& tensor : tensors_) elements += tensor.elements();
  const double share = std::min(1.0, fitted_to / std::max(elements, 1.0));
  std::vector<Job> jobs;
  for (std::size_t place = 0; place < tensors_.size(); ++place) {
    const std::uint64_t blocks = planes_[place]->blocks();
    const auto wanted = std::clamp<std::uint64_t>(
        static_cast<std::uint64_t>(std::ceil(static_cast<double>(blocks) * share)), 1, blocks);
    for (std::uint64_t i = 0; i < wanted; ++i) jobs.push_back({place, i * blocks / wanted});
  }
  codec::TableSets::Counts counts(tensor::refined::contexts);
  std::vector<codec::TableSets::Counts> found(blocks_together);
  for (std::size_t first = 0; first < jobs.size(); first += blocks_together) {
    ATTAR_TRY(base::check_cancelled(progress_));
    const std::size_t together = std::min(blocks_together, jobs.size() - first);
    pool_.run(together, [&](std::size_t i, unsigned) {
      const Job& job = jobs[first + i];
      found[i] = planes_[job.place]->count(job.block, step_of(job.place, job.block));
    });
    for (std::size_t i = 0; i < together; ++i)
      for (std::size_t c = 0; c < counts.size(); ++c)
        for (std::size_t s = 0; s < counts[c].size(); ++s) counts[c][s] += found[i][c][s];
  }
  model_ = tensor::refined::fit(counts);
  return {};
}

Status ProgressivePacking::add_table(codec::TableSets& tables) {
  ATTAR_ASSIGN(table_, tables.add(*model_));
  return {};
}

ProgressivePacking::Coded ProgressivePacking::code(std::size_t place, std::uint64_t block) const {
  const tensor::refined::Planes& planes = *planes_[place];
  const base::ByteView original = planes.block_of(block);
  Coded out;
  const auto watch = [&](unsigned, base::ByteView back) {
    const BlockLoss loss = measure_loss(tensors_[place].view.schema.element, original, back);
    out.states.push_back(
        {.checksum = base::checksum(back), .squared_error = loss.squared_error, .max_error = loss.max_error});
  };
  out.block = planes.code(block, step_of(place, block), *model_, watch);
  return out;
}

void ProgressivePacking::take_refinements(Coded& coded, std::uint32_t block, double weight) {
  std::size_t next = 0;
  for (const Stretch& stretch : stretches_of(coded.block.passes, coded.states)) {
    Refined& own = refined_.emplace_back();
    own.slope = weight * stretch.slope();
    own.refinement = {.block = block, .state = coded.states[stretch.passes]};
    for (; next < stretch.passes; ++next) {
      const std::vector<std::byte>& pass = coded.block.passes[next];
      own.refinement.lengths.push_back(static_cast<std::uint32_t>(pass.size()));
      own.bytes.insert(own.bytes.end(), pass.begin(), pass.end());
    }
  }
}

Result<std::uint64_t> ProgressivePacking::write_frame(std::size_t place, std::uint32_t number, base::Sink& sink) {
  const tensor::refined::Planes& planes = *planes_[place];
  const std::uint64_t blocks = planes.blocks(), wave = std::uint64_t{2} * pool_.size();
  const double weight = weight_of(tensors_[place], planes.square());
  order_.tensors.push_back(
      {.number = number, .first_block = first_blocks_[place], .blocks = static_cast<std::uint32_t>(blocks)});
  base::ByteWriter trailer;
  std::uint64_t bytes = 0;
  std::vector<Coded> made(std::min(wave, blocks));
  for (std::uint64_t first = 0; first < blocks; first += wave) {
    ATTAR_TRY(base::check_cancelled(progress_));
    const std::uint64_t count = std::min(wave, blocks - first);
    pool_.run(count, [&](std::size_t i, unsigned) { made[i] = code(place, first + i); });
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::vector<std::byte>& root = made[i].block.root;
      ATTAR_TRY(sink.write(root));
      trailer.write(static_cast<std::uint32_t>(root.size()));
      bytes += root.size();
      order_.roots.push_back(made[i].states.front());
      take_refinements(made[i], first_blocks_[place] + static_cast<std::uint32_t>(first + i), weight);
      progress_.advance(planes.block_of(first + i).size());
    }
  }
  const std::vector<std::byte> preamble = planes.preamble(table_);
  trailer.write_bytes(preamble);
  trailer.write(static_cast<std::uint32_t>(preamble.size()));
  ATTAR_TRY(sink.write(trailer.bytes()));
  return bytes + trailer.size();
}

// Within a block slopes fall, so that its passes stay in order.
Status ProgressivePacking::write_refinements(base::Sink& sink) {
  std::ranges::stable_sort(refined_, std::ranges::greater{}, &Refined::slope);
  for (Refined& own : refined_) {
    ATTAR_TRY(sink.write(own.bytes));
    order_.refinements.push_back(std::move(own.refinement));
  }
  refined_.clear();
  return {};
}

std::vector<ProgressivePacking::Whole> ProgressivePacking::whole() const {
  std::vector<std::uint64_t> bytes(order_.roots.size());
  std::vector<format::BlockState> states = order_.roots;
  for (const format::Refinement& own : order_.refinements) {
    bytes[own.block] += own.bytes();
    states[own.block] = own.state;
  }
  std::vector<Whole> out;
  for (const format::RefinementOrder::Tensor& tensor : order_.tensors) {
    Whole& own = out.emplace_back(Whole{.number = tensor.number});
    for (std::uint32_t i = tensor.first_block; i < tensor.first_block + tensor.blocks; ++i) {
      own.refinement_bytes += bytes[i];
      own.squared_error += states[i].squared_error;
      own.max_error = std::max(own.max_error, states[i].max_error);
    }
  }
  return out;
}

}  // namespace attar::engine
