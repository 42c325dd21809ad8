// Packing files of tensors: every tensor by the codec that takes the fewest bytes, or with the loss that is allowed.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "attar/tensors.h"
#include "base/hash.h"
#include "engine/input.h"
#include "engine/lossy_tensors.h"
#include "engine/packed_item.h"
#include "engine/progressive_tensors.h"
#include "engine/step_search.h"
#include "engine/tensor_frames.h"
#include "engine/tensor_sources.h"
#include "engine/tensor_state.h"
#include "engine/trim.h"
#include "engine/weight_fit.h"
#include "format/losses.h"
#include "format/tensors.h"
#include "format/writer.h"

namespace attar {
namespace {

using format::SectionKind;

constexpr std::uint64_t least_block = 4u << 10;
// What an artifact of tensors takes beside frames and tables: container, a name and numbers for each tensor. Only the
// first of the files that are tried for a budget relies on it.
constexpr double bytes_of_container = 1200, bytes_of_tensor = 40, bytes_of_loss = 42;

using Item = engine::PackedItem;

class TensorPacking {
 public:
  TensorPacking(const std::filesystem::path& input, const PackTensorsOptions& options)
      : input_(input), options_(options), pool_(options.threads), progress_(engine::or_silent(options.progress)) {}

  Result<PackTensorsReport> run(const std::filesystem::path& output) {
    const auto started = std::chrono::steady_clock::now();
    ATTAR_TRY(check_options());
    ATTAR_ASSIGN(sources_, engine::open_tensor_sources(input_));
    for (const engine::TensorSource& source : sources_) report_.source_bytes += source.file.bytes().size();
    items_ = engine::list_items(sources_, options_.block_bytes, report_.notes);
    ATTAR_TRY(trim());
    ATTAR_TRY(sum_up());
    report_.shared_tensors = engine::share_frames(items_);
    ATTAR_TRY(find_base());
    ATTAR_TRY(look());
    ATTAR_ASSIGN(const bool whole, fits_whole(output));
    if (!whole) {
      if (options_.loss.any()) ATTAR_TRY(lose());
      ATTAR_TRY(output.empty() ? foresee() : write(output));
    }
    report();
    report_.path = output.string();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return report_;
  }

 private:
  [[nodiscard]] Status check_options() const {
    ATTAR_TRY(engine::check_loss(options_.loss));
    if (options_.loss.progressive && !options_.base.empty())
      return fail(ErrorCode::invalid_argument, "an artifact that may be cut stands alone: leave the base out");
    if (options_.loss.progressive && options_.trim.any())
      return fail(ErrorCode::invalid_argument,
                  "an artifact that may be cut has all rows: leave the lists of kept ones out");
    if (options_.block_bytes >= least_block && options_.block_bytes <= format::most_block_bytes) return {};
    return fail(ErrorCode::invalid_argument, fmt::format("block_bytes is {}; take {} to {}, as 65536",
                                                         options_.block_bytes, least_block, format::most_block_bytes));
  }

  // From here on a table is what stays of it.
  Status trim() {
    std::vector<const format::TensorEntry*> entries;
    entries.reserve(items_.size());
    for (const Item& item : items_) entries.push_back(&item.entry);
    ATTAR_ASSIGN(kept_rows_, engine::find_kept_rows(input_, options_.trim, entries, report_.notes));
    for (format::KeptRowsEntry& rows : kept_rows_) {
      Item& item = items_[rows.tensor];
      rows.original = base::checksum(item.view.bytes);
      trimmed_.push_back(engine::trimmed_table(item.view.bytes, rows));
      item.view.bytes = trimmed_.back();
      item.kept_rows = &rows;
      report_.trimmed.push_back(engine::trimmed_table_of(item.entry, rows));
    }
    return {};
  }

  Status sum_up() {
    progress_.stage("reading tensors", items_.size());
    constexpr std::size_t together = 64;
    for (std::size_t first = 0; first < items_.size(); first += together) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t count = std::min(together, items_.size() - first);
      pool_.run(count, [&](std::size_t i, unsigned) {
        items_[first + i].entry.checksum = base::checksum(items_[first + i].view.bytes);
      });
      progress_.advance(count);
    }
    return {};
  }

  Status find_base() {
    if (options_.base.empty()) return {};
    ATTAR_ASSIGN(base_, TensorArtifact::State::open(options_.base, {}, {}));
    if (base_->depth() >= options_.most_depth) {
      report_.notes.push_back(fmt::format("{}: {} artifacts lie below it already, so that this one is packed whole",
                                          options_.base.string(), base_->depth()));
      base_.reset();
      return {};
    }
    engine::match_base(items_, *base_);
    return {};
  }

  // Every codec looks at every tensor; then those that won take their places in the tables, in order.
  Status look() {
    progress_.stage("looking at tensors", items_.size());
    const std::size_t together = std::size_t{4} * pool_.size();
    for (std::size_t first = 0; first < items_.size(); first += together) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t count = std::min(together, items_.size() - first);
      pool_.run(count, [&](std::size_t i, unsigned) {
        if (!items_[first + i].base) look_at(items_[first + i], first + i);
      });
      for (std::size_t i = first; i < first + count; ++i)
        if (items_[i].base) ATTAR_TRY(look_with_base(items_[i], i));
      progress_.advance(count);
    }
    return {};
  }

  // A file that meets its budget without loss is written so. Where that is near, only the file itself can tell.
  Result<bool> fits_whole(const std::filesystem::path& output) {
    constexpr double near = 1.03;
    const LossOptions& loss = options_.loss;
    if (!loss.budget) return false;
    report_.budget_bytes = budget_bytes(*loss.budget);
    const auto budget = static_cast<double>(report_.budget_bytes);
    if (loss.progressive || !loss.pins.empty() || fixed_bytes() > budget * (output.empty() ? 1 : near)) return false;
    bool fits = true;
    if (output.empty()) {
      ATTAR_TRY(foresee());
    } else {
      ATTAR_ASSIGN(fits, write_one(output));
    }
    if (fits) report_.notes.push_back("the budget leaves room for all tensors without loss");
    return fits;
  }

  // Which tensors lose what.
  Status lose() {
    const LossOptions& loss = options_.loss;
    std::vector<engine::LossCandidate> candidates;
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (items_[i].first == i && items_[i].choice.trial)
        candidates.push_back({.item = i,
                              .entry = &items_[i].entry,
                              .view = &items_[i].view,
                              .base = items_[i].base,
                              .lossless_bytes = items_[i].choice.trial->bytes()});
    ATTAR_ASSIGN(lossy_, engine::choose_lossy(candidates, loss, report_.notes));
    for (engine::LossyTensor& tensor : lossy_)
      if (const auto* rows = items_[tensor.item].kept_rows) engine::fit_kept_rows(tensor, *rows);
    progress_.stage("fitting steps", 0);
    if (loss.progressive) ATTAR_TRY(refine());
    if (lossy_.empty()) return {};
    fit_.emplace(lossy_, pool_, progress_,
                 [this](const engine::LossyTensor& tensor) { return base_->whole(*tensor.base, pool_); });
    ATTAR_TRY(fit_->look());
    ATTAR_TRY(loss.budget && !loss.progressive ? fit_budget() : fit_->fit_tables());
    for (engine::LossyTensor& tensor : lossy_)
      if (!tensor.lossless) make_lossy(tensor);
    return {};
  }

  // Tensors that no pin fixes are coded pass by pass, as fine as the budget may ask for.
  Status refine() {
    constexpr double finest_bits = 7, bits_above_budget = 1.5;
    std::vector<engine::LossyTensor> free;
    std::erase_if(lossy_, [&](engine::LossyTensor& tensor) {
      if (tensor.pin != nullptr || tensor.bound) return false;
      free.push_back(std::move(tensor));
      return true;
    });
    double weights = 0;
    for (std::size_t place = 0; place < free.size(); ++place) {
      Item& item = items_[free[place].item];
      item.refined = place;
      item.choice.codec = codec::find_tensor_codec(tensor::refined::codec_id);
      item.choice.trial.reset();
      item.entry.codec_id = item.choice.codec->info().id;
      item.entry.wire_version = item.choice.codec->info().wire_max;
      item.entry.block_elements = engine::refined_block_elements(item.entry.columns);
      item.loss = {.tensor = static_cast<std::uint32_t>(free[place].item),
                   .original = std::exchange(item.entry.checksum, 0),
                   .sensitivity = free[place].sensitivity};
      free[place].view.block_elements = item.entry.block_elements;
      weights += free[place].elements();
    }
    if (free.empty()) return {};
    double bits = finest_bits;
    if (report_.budget_bytes != 0)
      bits = std::min(bits, 8 * static_cast<double>(report_.budget_bytes) / weights + bits_above_budget);
    progressive_.emplace(std::move(free), pool_, progress_);
    return progressive_->fit(bits);
  }

  [[nodiscard]] std::uint64_t budget_bytes(const Budget& budget) const {
    std::uint64_t weights = 0;
    for (const Item& item : items_)
      if (item.view.schema.element.is_float()) weights += item.view.schema.count;
    return engine::tensor_budget_bytes(budget, weights, report_.source_bytes);
  }

  // Bytes beside the frames of tensors that may lose.
  [[nodiscard]] double fixed_bytes() const {
    double out = bytes_of_container + static_cast<double>(options_.certificate_bytes);
    std::vector<bool> may_lose(items_.size());
    for (const engine::LossyTensor& tensor : lossy_) may_lose[tensor.item] = true;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      out += bytes_of_tensor + (may_lose[i] ? bytes_of_loss : 0);
      if (items_[i].choice.trial && !may_lose[i]) out += items_[i].choice.trial->bytes();
    }
    for (const engine::TensorSource& source : sources_) out += 0.2 * static_cast<double>(engine::bytes_outside(source));
    return out;
  }

  Status fit_budget() {
    search_.emplace(report_.budget_bytes);
    const double bits = 8 * (search_->target() - fixed_bytes());
    const double least = fit_->least_bits();
    if (bits < least)
      return fail(ErrorCode::goal_unreachable,
                  fmt::format("{} bytes are too few: the file takes some {} with all free weights at zero; raise the "
                              "budget, or loosen the pins",
                              report_.budget_bytes, static_cast<std::uint64_t>(fixed_bytes() + least / 8)));
    return fit_->fit(bits);
  }

  void make_lossy(engine::LossyTensor& tensor) {
    Item& item = items_[tensor.item];
    item.lossy = &tensor;
    item.choice.codec = codec::find_tensor_codec(tensor.codec_id());
    item.choice.trial.reset();
    item.entry.codec_id = item.choice.codec->info().id;
    item.entry.wire_version = item.choice.codec->info().wire_max;
    item.entry.base = tensor.moves() ? tensor.base : std::nullopt;
    item.loss = {.tensor = static_cast<std::uint32_t>(tensor.item),
                 .original = item.entry.checksum,
                 .sensitivity = tensor.fixed ? 0 : tensor.sensitivity};
  }

  Status look_with_base(Item& item, std::size_t number) {
    ATTAR_ASSIGN(const std::vector<std::byte> bytes, base_->whole(*item.base, pool_));
    if (std::ranges::equal(bytes, item.view.bytes)) {
      item.entry.codec_id = 0;
      item.entry.wire_version = 0;
      item.entry.base = item.base;
      return {};
    }
    item.view.base = bytes;
    look_at(item, number);
    item.view.base = {};
    if (item.choice.codec->needs_base()) item.entry.base = item.base;
    return {};
  }

  static void look_at(Item& item, std::size_t number) {
    if (item.first != number) return;
    item.choice = codec::choose_codec(codec::tensor_registry(), item.view);
    item.entry.codec_id = item.choice.codec->info().id;
    item.entry.wire_version = item.choice.codec->info().wire_max;
  }

  // A progressive artifact is written whole, and cut to its budget.
  Status write(const std::filesystem::path& output) {
    if (!progressive_ || report_.budget_bytes == 0) return write_to(output);
    std::filesystem::path whole = output;
    whole += ".whole";
    auto done = write_to(whole);
    if (done) done = write_cut(whole, output);
    std::error_code error;
    std::filesystem::remove(whole, error);
    if (!done) return fail(done.error().code, done.error().message);
    return {};
  }

  Status write_cut(const std::filesystem::path& whole, const std::filesystem::path& output) {
    ATTAR_ASSIGN(const auto state, TensorArtifact::State::open(whole, {}, {}));
    ATTAR_ASSIGN(const std::size_t count, state->refinements_within(report_.budget_bytes, options_.certificate_bytes));
    state->keep(count, report_.budget_bytes);
    ATTAR_ASSIGN(report_.bytes, state->write_kept(output, options_.certificate_bytes));
    take_losses(state->losses, *state->refinements);
    return {};
  }

  void take_losses(const format::Losses& losses, const engine::RefinementIndex& refinements) {
    for (const format::TensorLossEntry& own : losses.tensors) {
      Item& item = items_[own.tensor];
      if (item.first != own.tensor || !item.refined) continue;
      item.loss = own;
      item.refinement_bytes = refinements.of(own.tensor)->bytes();
    }
  }

  // Files are written until one meets the budget; where there is none, the first one is it.
  Status write_to(const std::filesystem::path& output) {
    share_tables();
    for (;;) {
      tables_ = shared_tables_;
      if (fit_) ATTAR_TRY(fit_->add_tables(tables_));
      if (progressive_) ATTAR_TRY(progressive_->add_table(tables_));
      ATTAR_ASSIGN(format::ArtifactWriter writer, write_file(output));
      ATTAR_ASSIGN(const bool again, write_again());
      if (!again) return writer.finish();
    }
  }

  // All of a file but its end, and how large it would be.
  Result<format::ArtifactWriter> write_file(const std::filesystem::path& output) {
    ATTAR_ASSIGN(auto writer,
                 format::ArtifactWriter::create(output, {.certificate_bytes = options_.certificate_bytes}));
    ATTAR_TRY(write_sections(writer));
    ATTAR_ASSIGN(report_.bytes, writer.final_bytes());
    return writer;
  }

  // True where the file is not larger than the budget; else there is none.
  Result<bool> write_one(const std::filesystem::path& output) {
    share_tables();
    tables_ = shared_tables_;
    ATTAR_ASSIGN(format::ArtifactWriter writer, write_file(output));
    if (report_.bytes > report_.budget_bytes) return false;
    ATTAR_TRY(writer.finish());
    return true;
  }

  void share_tables() {
    shared_tables_ = {};
    for (Item& item : items_)
      if (item.choice.trial) item.choice.trial->share(shared_tables_);
    shared_tables_.finish();
  }

  Result<bool> write_again() {
    if (report_.budget_bytes == 0 || progressive_) return false;
    if (fit_ && fit_->step() != 0) {
      const auto next = search_->next(fit_->step(), report_.bytes, fit_->bits_of_an_octave() / 8);
      if (next) return take_step(*next);
    }
    if (report_.bytes <= report_.budget_bytes) return false;
    return fail(ErrorCode::goal_unreachable,
                fmt::format("the file takes {} bytes, more than the budget of {}, and no tensor is free to lose more; "
                            "raise the budget, or loosen the pins",
                            report_.bytes, report_.budget_bytes));
  }

  // Tables are fitted to the first steps that are tried, then they stay, so that sizes are comparable.
  Result<bool> take_step(double step) {
    constexpr int most_fits = 3;
    if (fits_ < most_fits && !fit_->is_near(step)) {
      ++fits_;
      search_->begin_anew();
      ATTAR_TRY(fit_->fit_at(step));
    } else {
      fits_ = most_fits;
      fit_->set_step(step);
    }
    return true;
  }

  Status write_sections(format::ArtifactWriter& writer) {
    ATTAR_TRY(writer.add({.kind = SectionKind::sources}, format::encode_sources(engine::entries_of(sources_))));
    base::ByteWriter tables;
    tables_.save(tables);
    ATTAR_TRY(writer.add({.kind = SectionKind::tables}, tables.bytes()));
    if (std::ranges::any_of(items_, [](const Item& item) { return item.entry.base.has_value(); })) {
      report_.depth = base_->depth() + 1;
      ATTAR_TRY(writer.add({.kind = SectionKind::base},
                           format::encode_base({.content = base_->reader.content_digest(), .depth = report_.depth})));
    }
    ATTAR_ASSIGN(base::Sink * frames, writer.begin({.kind = SectionKind::frames}));
    ATTAR_TRY(write_frames(*frames));
    ATTAR_TRY(writer.end());
    if (progressive_) ATTAR_TRY(write_refinements(writer));
    if (fit_ || progressive_) ATTAR_TRY(write_losses(writer));
    if (!kept_rows_.empty())
      ATTAR_TRY(writer.add({.kind = SectionKind::kept_rows, .wire_version = format::kept_rows_wire_version},
                           format::encode_kept_rows(kept_rows_)));
    std::vector<format::TensorEntry> entries;
    for (const Item& item : items_) entries.push_back(item.entry);
    return writer.add({.kind = SectionKind::tensors, .wire_version = format::tensors_wire_version},
                      format::encode_tensors(entries));
  }

  Status write_refinements(format::ArtifactWriter& writer) {
    ATTAR_ASSIGN(base::Sink * sink, writer.begin({.kind = SectionKind::refinements}));
    ATTAR_TRY(progressive_->write_refinements(*sink));
    ATTAR_TRY(writer.end());
    for (const engine::ProgressivePacking::Whole& own : progressive_->whole()) {
      Item& item = items_[own.number];
      item.refinement_bytes = own.refinement_bytes;
      item.loss.squared_error = own.squared_error;
      item.loss.max_error = own.max_error;
    }
    return writer.add({.kind = SectionKind::order}, format::encode_order(progressive_->order()));
  }

  Status write_losses(format::ArtifactWriter& writer) const {
    format::Losses losses{.step = progressive_ ? progressive_->step() : fit_->step()};
    if (progressive_) {
      losses.goal = format::Losses::Goal::progressive;
    } else if (options_.loss.budget) {
      losses.goal = format::Losses::Goal::budget;
      losses.goal_value = static_cast<double>(report_.budget_bytes);
    } else if (options_.loss.max_error) {
      losses.goal =
          options_.loss.max_error->relative ? format::Losses::Goal::relative_bound : format::Losses::Goal::bound;
      losses.goal_value = options_.loss.max_error->value;
    }
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const Item& owner = items_[items_[i].first];
      if (owner.lossy == nullptr && !owner.refined) continue;
      losses.tensors.push_back(owner.loss);
      losses.tensors.back().tensor = static_cast<std::uint32_t>(i);
    }
    if (losses.tensors.empty()) return {};
    return writer.add({.kind = SectionKind::losses, .wire_version = format::losses_wire_version},
                      format::encode_losses(losses));
  }

  Status write_frames(base::Sink& sink) {
    std::uint64_t total = 0, at = 0;
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (items_[i].first == i && !items_[i].entry.is_base()) total += items_[i].view.bytes.size();
    progress_.stage("packing tensors", total);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      if (item.first != i) {
        engine::take_frame_of(items_[item.first].entry, item.entry);
        continue;
      }
      if (item.entry.is_base()) continue;
      ATTAR_TRY(write_frame(item, sink));
      item.entry.frame_offset = at;
      at += item.entry.frame_bytes;
    }
    return {};
  }

  Status write_frame(Item& item, base::Sink& sink) {
    if (item.refined) {
      item.loss.square = progressive_->square(*item.refined);
      ATTAR_ASSIGN(item.entry.frame_bytes, progressive_->write_frame(*item.refined, item.loss.tensor, sink));
      return {};
    }
    std::vector<std::byte> base_bytes;
    codec::TensorView view = item.view;
    if (item.lossy != nullptr) view.finer = item.lossy->finer;
    if (item.entry.base) {
      ATTAR_ASSIGN(base_bytes, base_->whole(*item.entry.base, pool_));
      view.base = base_bytes;
    }
    if (item.lossy == nullptr) {
      ATTAR_ASSIGN(item.entry.frame_bytes,
                   engine::write_frame(*item.choice.trial->writer(tables_), view, sink, pool_, progress_, room_));
      return {};
    }
    ATTAR_ASSIGN(const auto writer, item.lossy->writer(tables_));
    ATTAR_ASSIGN(const engine::LossyFrame frame,
                 engine::write_lossy_frame(*writer, view, item.entry, tables_, item.kept_rows, sink, pool_, progress_));
    item.entry.frame_bytes = frame.bytes;
    item.entry.checksum = frame.checksum;
    item.loss.square = frame.loss.square;
    item.loss.squared_error = frame.loss.squared_error;
    item.loss.max_error = frame.loss.max_error;
    return {};
  }

  // What a plan says in the place of what was written.
  Status foresee() {
    if (fit_) ATTAR_TRY(fit_->foresee());
    double bytes = fixed_bytes() + (fit_ ? fit_->bits() / 8 : 0);
    for (Item& item : items_) {
      if (item.lossy == nullptr) {
        if (item.choice.trial) item.entry.frame_bytes = static_cast<std::uint64_t>(item.choice.trial->bytes());
        continue;
      }
      item.entry.frame_bytes = static_cast<std::uint64_t>(item.lossy->bits / 8);
      item.loss.square = item.lossy->square;
      item.loss.squared_error = item.lossy->squared_error;
    }
    report_.bytes = static_cast<std::uint64_t>(bytes);
    return {};
  }

  void report() {
    report_.sources = sources_.size();
    report_.tensors = items_.size();
    std::map<std::string, TensorTypeShare> types;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      TensorTypeShare& own = types[items_[i].entry.type];
      own.type = items_[i].entry.type;
      ++own.tensors;
      own.bytes += items_[i].entry.bytes();
      if (items_[i].first != i) continue;
      own.packed_bytes += items_[i].entry.frame_bytes + items_[i].refinement_bytes;
      if (items_[i].entry.is_base())
        ++report_.base_tensors;
      else if (items_[i].entry.base)
        ++report_.delta_tensors;
      if (items_[i].lossy != nullptr || items_[i].refined) report_lost(items_[i]);
    }
    for (auto& [name, own] : types) report_.types.push_back(std::move(own));
  }

  void report_lost(const Item& item) {
    LostTensor own{.name = item.entry.name,
                   .type = item.entry.type,
                   .weights = item.entry.count,
                   .bits = 8 * static_cast<double>(item.entry.frame_bytes + item.refinement_bytes) /
                           static_cast<double>(item.entry.count),
                   .loss = engine::loss_of(item.loss)};
    report_.weighed_error += own.loss.sensitivity * own.loss.relative_error;
    report_.lost.push_back(std::move(own));
  }

  const std::filesystem::path& input_;
  const PackTensorsOptions& options_;
  base::ThreadPool pool_;
  Progress& progress_;
  std::vector<engine::TensorSource> sources_;
  std::vector<Item> items_;
  std::vector<format::KeptRowsEntry> kept_rows_;
  std::vector<std::vector<std::byte>> trimmed_;  ///< the tables of these
  std::unique_ptr<const TensorArtifact::State> base_;
  codec::TableSets shared_tables_, tables_;  ///< of lossless codecs; and with those of the steps
  engine::FrameRoom room_;
  std::vector<engine::LossyTensor> lossy_;
  std::optional<engine::WeightFit> fit_;
  std::optional<engine::ProgressivePacking> progressive_;
  std::optional<engine::StepSearch> search_;
  int fits_ = 0;  ///< of tables, since the first
  PackTensorsReport report_;
};

}  // namespace

Result<PackTensorsReport> pack_tensors(const std::filesystem::path& input, const std::filesystem::path& output,
                                       const PackTensorsOptions& options) {
  if (output.empty()) return fail(ErrorCode::invalid_argument, "name the artifact to write");
  return TensorPacking(input, options).run(output);
}

Result<PackTensorsReport> plan_tensors(const std::filesystem::path& input, const PackTensorsOptions& options) {
  if (options.loss.progressive)
    return fail(ErrorCode::invalid_argument, "a progressive artifact has no plan: pack it, and cut it to a budget");
  if (!options.loss.any())
    return fail(ErrorCode::invalid_argument,
                "a plan of tensors needs a budget, a bound on errors or pins; without loss, pack them");
  return TensorPacking(input, options).run({});
}

bool holds_tensors(const std::filesystem::path& input) {
  constexpr std::array<std::string_view, 2> endings = {".safetensors", ".gguf"};
  const auto is_one = [&](const std::filesystem::path& path) {
    return std::ranges::find(endings, path.extension().string()) != endings.end();
  };
  std::error_code error;
  if (!std::filesystem::is_directory(input, error)) return is_one(input);
  for (auto it = std::filesystem::directory_iterator(input, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    if (is_one(it->path())) return true;
  return false;
}

}  // namespace attar
