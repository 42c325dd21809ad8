// Exporting tensors as GGUF: types measured, chosen under the budget, and written.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <utility>

#include "attar/export.h"
#include "base/checked.h"
#include "base/progress.h"
#include "data/gguf_write.h"
#include "data/input_file.h"
#include "engine/export_coding.h"
#include "engine/export_metadata.h"
#include "engine/export_source.h"
#include "engine/export_types.h"
#include "engine/input.h"
#include "engine/sensitivities.h"
#include "plan/allocation.h"

namespace attar {
namespace {

using data::GgmlType;
using engine::ExportTensor;
using tensor::ggml::BlockType;

class GgufExport {
 public:
  GgufExport(const std::filesystem::path& input, const ExportGgufOptions& options)
      : input_(input),
        options_(options),
        pool_(options.threads),
        coder_(pool_),
        progress_(engine::or_silent(options.progress)) {}

  Result<ExportGgufReport> run(const std::filesystem::path& output) {
    const auto started = std::chrono::steady_clock::now();
    if (is_auto() && !options_.budget)
      return fail(ErrorCode::invalid_argument, "auto chooses types within a budget; give one, as 60MB, or one type");
    ATTAR_ASSIGN(source_, engine::ExportSource::open(input_, options_.base));
    report_.notes = source_->notes();
    ATTAR_ASSIGN(choices_, engine::choose_types(source_->tensors(), options_, report_.notes));
    ATTAR_TRY(list());
    ATTAR_TRY(find_budget());
    ATTAR_TRY(find_header());
    ATTAR_TRY(allocate());
    ATTAR_TRY(write(output));
    report();
    report_.path = output.string();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return report_;
  }

 private:
  struct Item {
    const GgmlType* type = nullptr;  // chosen
    double alpha = 0;
    double error = 0, norm = 0;       // squared
    std::vector<double> errors = {};  // of each choice, measured; no finite number where it cannot be

    [[nodiscard]] double relative(double squared) const noexcept { return norm > 0 ? squared / norm : 0; }
  };

  [[nodiscard]] bool is_auto() const noexcept { return options_.type == "auto"; }
  [[nodiscard]] const ExportTensor& tensor(std::size_t number) const noexcept { return source_->tensors()[number]; }

  // Rows fit, as choose_types() saw to; sizes were found for wider types when the input was listed.
  [[nodiscard]] std::uint64_t bytes_as(std::size_t number, const GgmlType& type) const noexcept {
    return data::ggml_bytes(type, tensor(number).shape).value_or(0);
  }
  [[nodiscard]] std::uint64_t padded_as(std::size_t number, const GgmlType& type) const noexcept {
    return base::round_up(bytes_as(number, type), metadata_.entries.alignment());
  }

  // Without data a matrix counts by the square root of its values (decision 0039).
  Status list() {
    std::vector<std::string_view> names;
    std::vector<double> alphas;
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      const ExportTensor& own = tensor(i);
      items_.emplace_back().type = choices_[i].front();
      report_.values += own.values;
      if (!own.is_matrix()) continue;
      names.push_back(own.name);
      alphas.push_back(std::sqrt(static_cast<double>(own.values)));
    }
    ATTAR_TRY(engine::set_sensitivities(options_.sensitivity, names, alphas));
    auto alpha = alphas.begin();
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (tensor(i).is_matrix()) items_[i].alpha = *alpha++;
    return {};
  }

  Status find_budget() {
    if (!options_.budget) return {};
    const double value = options_.budget->value;
    double bytes = 0;
    switch (options_.budget->unit) {
      case Budget::Unit::bytes: bytes = value; break;
      case Budget::Unit::percent: bytes = value / 100 * static_cast<double>(source_->bytes()); break;
      case Budget::Unit::bits_per_value: bytes = value / 8 * static_cast<double>(report_.values); break;
      case Budget::Unit::bytes_per_vector:
        return fail(ErrorCode::invalid_argument,
                    "tensors have no vectors to count; give a budget of the whole file, as 60MB, 30% or 4.5bit");
    }
    report_.budget = bytes >= 0x1p62 ? std::uint64_t{1} << 62 : static_cast<std::uint64_t>(std::max(bytes, 0.0));
    return {};
  }

  // What stands before the tensors takes the same bytes whatever their types are.
  Status find_header() {
    ATTAR_ASSIGN(metadata_, engine::make_metadata(*source_, options_, input_.stem().string(),
                                                  is_auto() ? std::string_view() : std::string_view(options_.type)));
    std::uint64_t tensors = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) tensors += padded_as(i, *items_[i].type);
    base::MemorySink header;
    ATTAR_ASSIGN(const auto writer, data::GgufWriter::create(header, metadata_.entries, infos()));
    header_bytes_ = writer.file_bytes() - tensors;
    return {};
  }

  [[nodiscard]] std::vector<data::GgufTensorInfo> infos() const {
    std::vector<data::GgufTensorInfo> out;
    for (std::size_t i = 0; i < items_.size(); ++i)
      out.push_back({.name = tensor(i).name, .type = items_[i].type->number, .shape = tensor(i).shape});
    return out;
  }

  // Chooses the types; refuses what the budget does not hold.
  Status allocate() {
    std::vector<std::size_t> free;
    std::uint64_t bytes = header_bytes_, least = header_bytes_;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      std::uint64_t smallest = padded_as(i, *items_[i].type);
      if (choices_[i].size() == 1) bytes += smallest;
      for (const GgmlType* type : choices_[i]) smallest = std::min(smallest, padded_as(i, *type));
      least += smallest;
      if (choices_[i].size() > 1) free.push_back(i);
    }
    if (report_.budget && least > *report_.budget) return too_small(least);
    if (free.empty()) return {};
    ATTAR_TRY(measure(free));
    return take_best(free, *report_.budget - bytes);
  }

  [[nodiscard]] Status too_small(std::uint64_t least) const {
    const std::string_view what = is_auto() ? "the smallest file" : "the file";
    const std::string_view fix = is_auto() ? "" : ", a smaller type, or auto";
    return std::unexpected(Error{.code = ErrorCode::goal_unreachable,
                                 .message = fmt::format("{} has {} bytes, more than the budget of {}; give a budget of "
                                                        "{}B{}",
                                                        what, least, *report_.budget, least, fix),
                                 .file = input_.string()});
  }

  Status measure(const std::vector<std::size_t>& free) {
    std::uint64_t total = 0;
    for (const std::size_t i : free) total += tensor(i).bytes;
    progress_.stage("measuring types", total);
    for (const std::size_t i : free)
      if (auto done = measure_tensor(i); !done) return in_tensor(i, std::move(done).error());
    return {};
  }

  // Types that keep all numbers as they are need no trial.
  [[nodiscard]] bool is_kept(std::size_t number, const GgmlType& type) const noexcept {
    const engine::ValueKind& kind = *tensor(number).kind;
    return kind.same == &type || type.name == "F32";
  }

  Status measure_tensor(std::size_t number) {
    Item& item = items_[number];
    std::vector<const BlockType*> tried;
    for (const GgmlType* type : choices_[number])
      if (!is_kept(number, *type)) tried.push_back(tensor::ggml::find_block_type(type->number));
    std::vector<double> errors(tried.size());
    const auto add_slab = [&](base::ByteView slab) -> Status {
      ATTAR_TRY(base::check_cancelled(progress_));
      coder_.load(*tensor(number).kind, slab);
      item.norm += coder_.squared_norm();
      coder_.add_errors(tried, errors);
      progress_.advance(slab.size());
      return {};
    };
    ATTAR_TRY(source_->read(tensor(number), pool_, add_slab));
    auto error = errors.begin();
    for (const GgmlType* type : choices_[number]) item.errors.push_back(is_kept(number, *type) ? 0 : *error++);
    return {};
  }

  // Choices that cannot hold a value are left out; F32 holds all.
  Status take_best(const std::vector<std::size_t>& free, std::uint64_t budget) {
    std::vector<std::vector<plan::Choice>> things;
    std::vector<std::vector<const GgmlType*>> types;
    std::uint64_t least = 0;
    for (const std::size_t i : free) {
      const Item& item = items_[i];
      auto& thing = things.emplace_back();
      auto& own = types.emplace_back();
      for (std::size_t c = 0; c < choices_[i].size(); ++c) {
        if (!std::isfinite(item.errors[c])) continue;
        thing.push_back({.bytes = padded_as(i, *choices_[i][c]), .cost = item.alpha * item.relative(item.errors[c])});
        own.push_back(choices_[i][c]);
      }
      least += std::ranges::min(thing, {}, &plan::Choice::bytes).bytes;
    }
    const auto found = plan::allocate(things, budget);
    if (!found) return too_small(*report_.budget - budget + least);
    for (std::size_t at = 0; at < free.size(); ++at) items_[free[at]].type = types[at][found->chosen[at]];
    report_.optimal = found->optimal;
    report_.bound = found->bound;
    return {};
  }

  Status write(const std::filesystem::path& output) {
    progress_.stage("writing", source_->bytes());
    ATTAR_ASSIGN(auto file, base::AtomicFile::create(output));
    ATTAR_ASSIGN(auto writer, data::GgufWriter::create(file, metadata_.entries, infos()));
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (auto done = write_tensor(i, writer); !done) return in_tensor(i, std::move(done).error());
    ATTAR_TRY(writer.finish());
    report_.bytes = writer.file_bytes();
    return file.commit();
  }

  Status write_tensor(std::size_t number, data::GgufWriter& writer) {
    const engine::ValueKind& kind = *tensor(number).kind;
    Item& item = items_[number];
    item.norm = 0;
    std::vector<std::byte> room;
    return source_->read(tensor(number), pool_, [&](base::ByteView slab) -> Status {
      ATTAR_TRY(base::check_cancelled(progress_));
      progress_.advance(slab.size());
      if (kind.is_float()) {
        coder_.load(kind, slab);
        item.norm += coder_.squared_norm();
      }
      if (kind.same == item.type) return writer.append(slab);
      if (!kind.is_float()) {
        room.resize(slab.size() / kind.bytes * item.type->bytes);
        kind.widen(slab.data(), slab.size() / kind.bytes, room.data());
        return writer.append(room);
      }
      if (item.type->name == "F32") return writer.append(std::as_bytes(coder_.values()));
      ATTAR_ASSIGN(const base::ByteView blocks,
                   coder_.code(*tensor::ggml::find_block_type(item.type->number), item.error));
      return writer.append(blocks);
    });
  }

  // An error with the tensor in front; those of files and of stopping say enough.
  [[nodiscard]] Status in_tensor(std::size_t number, Error error) const {
    if (error.code == ErrorCode::invalid_data && error.file.empty()) {
      error.message = fmt::format("tensor {} {}; pin it, as {}", data::in_quotes(tensor(number).name), error.message,
                                  data::in_quotes(tensor(number).name + "=F32"));
      error.file = input_.string();
    }
    return std::unexpected(std::move(error));
  }

  void report() {
    std::map<std::string_view, std::pair<ExportTypeShare, double>> types;  // with norms
    double norm = 0, fixed = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const Item& item = items_[i];
      const ExportTensor& own = tensor(i);
      const std::uint64_t bytes = bytes_as(i, *item.type);
      const double relative = item.relative(item.error);
      report_.tensors.push_back({own.name, std::string(item.type->name), own.values, bytes, item.alpha, relative});
      report_.predicted += item.alpha * relative;
      if (choices_[i].size() == 1) fixed += item.alpha * relative;
      auto& [share, norms] = types[item.type->name];
      share.type = item.type->name;
      ++share.tensors;
      share.values += own.values;
      share.bytes += bytes;
      if (!std::isfinite(item.norm)) continue;
      share.error += item.error;
      norms += item.norm;
      report_.error += item.error;
      norm += item.norm;
    }
    report_.bound += fixed;
    if (norm > 0) report_.error /= norm;
    for (auto& [name, own] : types) {
      if (own.second > 0) own.first.error /= own.second;
      report_.types.push_back(std::move(own.first));
    }
    std::ranges::stable_sort(report_.types, std::ranges::greater{}, &ExportTypeShare::bytes);
    report_.architecture = metadata_.architecture;
  }

  const std::filesystem::path& input_;
  const ExportGgufOptions& options_;
  base::ThreadPool pool_;
  engine::SlabCoder coder_;
  Progress& progress_;
  std::optional<engine::ExportSource> source_;
  std::vector<engine::TypeChoices> choices_;
  std::vector<Item> items_;
  engine::ExportMetadata metadata_;
  std::uint64_t header_bytes_ = 0;
  ExportGgufReport report_;
};

}  // namespace

Result<ExportGgufReport> export_gguf(const std::filesystem::path& input, const std::filesystem::path& output,
                                     const ExportGgufOptions& options) {
  return GgufExport(input, options).run(output);
}

}  // namespace attar
