#include "engine/lossy_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/glob.h"
#include "data/input_file.h"
#include "engine/row_steps.h"
#include "engine/sensitivities.h"
#include "tensor/steps/frame.h"

namespace attar::engine {
namespace {

bool is_vector(const format::TensorEntry& entry) {
  return std::ranges::count_if(entry.shape, [](std::uint64_t axis) { return axis > 1; }) < 2;
}

// Without data relative errors count alike (docs/decisions/0039-budgets-of-tensors.md). Every number of a norm or a
// bias reaches all that goes through its layer: its step is a quarter of a matrix's, beside its size.
constexpr double sensitivity_of_vectors = 16;
// A tensor whose errors cost nothing is as coarse as others let it be, and no coarser.
constexpr double least_sensitivity = 1e-6;

Status set_sensitivities(std::span<LossyTensor> tensors, std::span<const format::TensorEntry* const> entries,
                         const LossOptions& options) {
  std::vector<SensitiveTensor> asked;
  for (const format::TensorEntry* entry : entries)
    asked.push_back({entry->name, is_vector(*entry) ? sensitivity_of_vectors : 1});
  TensorSensitivities measured = options.measured;
  if (!options.sensitivity.empty()) {
    ATTAR_ASSIGN(measured, read_sensitivity(options.sensitivity));
  }
  ATTAR_ASSIGN(const std::vector<double> found, sensitivities_of(asked, measured));
  const double most = found.empty() ? 1 : std::ranges::max(found);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    tensors[i].sensitivity = std::max(found[i], least_sensitivity * (most > 0 ? most : 1));
  return {};
}

struct Pinned {
  const TensorPin* pin = nullptr;
  std::size_t number = 0;
};

Pinned pin_of(std::string_view name, const std::vector<TensorPin>& pins) {
  for (std::size_t i = 0; i < pins.size(); ++i)
    if (base::fits_pattern(pins[i].pattern, name)) return {&pins[i], i};
  return {};
}

bool can_lose(const LossCandidate& candidate) {
  const codec::TensorSchema& schema = candidate.view->schema;
  return tensor::steps::type_of(schema.element) && schema.count != 0 && schema.columns <= tensor::steps::most_columns &&
         !candidate.entry->is_base();
}

}  // namespace

Status check_tensor_budget(const Budget& budget) {
  if (budget.unit != Budget::Unit::bytes_per_vector) return {};
  return fail(ErrorCode::invalid_argument,
              "a budget of tensors is a size, bits a weight or a share of the input: \"45MB\", \"3.5bit\", \"20%\"");
}

std::uint64_t tensor_budget_bytes(const Budget& budget, std::uint64_t floats, std::uint64_t source_bytes) {
  return budget.bytes(budget.unit == Budget::Unit::percent ? source_bytes : floats, 1, 1);
}

Status check_loss(const LossOptions& options) {
  if (options.budget) ATTAR_TRY(check_tensor_budget(*options.budget));
  if (options.budget && options.max_error)
    return fail(ErrorCode::invalid_argument,
                "give a budget or a bound on errors, not both; --pin bounds single tensors beside a budget");
  if (options.progressive && options.max_error)
    return fail(ErrorCode::invalid_argument,
                "an artifact that may be cut keeps to no bound on all errors; --pin bounds single tensors");
  if (options.progressive &&
      std::ranges::find(options.pins, TensorPin::Kind::least_bits, &TensorPin::kind) != options.pins.end())
    return fail(ErrorCode::invalid_argument,
                "an artifact that may be cut can not promise least bits; pin exact ones: 'embed.*=8bit'");
  if (options.progressive && !options.frequencies.empty())
    return fail(ErrorCode::invalid_argument,
                "rows of an artifact that may be cut have steps alike: leave the frequencies out");
  if (options.max_error && !(options.max_error->value > 0))
    return fail(ErrorCode::invalid_argument, "a bound on errors must be above 0");
  if (options.frequencies.empty() && !options.table.empty())
    return fail(ErrorCode::invalid_argument, "a table is named for its --frequencies; give that file too");
  return {};
}

Result<std::vector<LossyTensor>> choose_lossy(std::span<const LossCandidate> candidates, const LossOptions& options,
                                              std::vector<std::string>& notes) {
  std::vector<LossyTensor> out;
  std::vector<const format::TensorEntry*> entries;
  std::vector<bool> used(options.pins.size());
  std::map<std::string, std::size_t> kept;
  for (const LossCandidate& candidate : candidates) {
    const Pinned pinned = pin_of(candidate.entry->name, options.pins);
    if (pinned.pin != nullptr) used[pinned.number] = true;
    if (pinned.pin != nullptr && pinned.pin->kind == TensorPin::Kind::lossless) continue;
    if (pinned.pin == nullptr && !options.budget && !options.max_error && !options.progressive) continue;
    if (!can_lose(candidate)) {
      if (candidate.view->schema.element.is_float() && !candidate.entry->is_base()) ++kept[candidate.entry->type];
      continue;
    }
    LossyTensor own{.item = candidate.item,
                    .view = *candidate.view,
                    .base = candidate.base,
                    .lossless_bytes = candidate.lossless_bytes};
    own.view.base = {};
    if (pinned.pin != nullptr && pinned.pin->kind == TensorPin::Kind::bound)
      own.bound = pinned.pin->bound;
    else if (pinned.pin != nullptr)
      own.pin = pinned.pin;
    else
      own.bound = options.max_error;
    entries.push_back(candidate.entry);
    out.push_back(std::move(own));
  }
  for (std::size_t i = 0; i < used.size(); ++i)
    if (!used[i])
      return fail(ErrorCode::invalid_argument, fmt::format("the pin {} fits no tensor; attar info lists their names",
                                                           data::in_quotes(options.pins[i].text())));
  for (const auto& [type, count] : kept)
    notes.push_back(fmt::format("{} tensors of type {} stay as they are: F32, BF16 and F16 may lose", count, type));
  ATTAR_TRY(set_sensitivities(out, entries, options));
  ATTAR_TRY(set_row_steps(out, entries, options));
  return out;
}

}  // namespace attar::engine
