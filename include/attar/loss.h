// What may be lost of tensors, and what was: goals of packing with loss, and the measured distances.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attar/budget.h"
#include "attar/result.h"
#include "attar/sensitivity.h"

namespace attar {

/// No element comes back further than this from what it was.
struct ErrorBound {
  double value = 0;       ///< above 0
  bool relative = false;  ///< times the largest magnitude of the element's tensor

  /// In the form that parse_error_bound() reads.
  [[nodiscard]] std::string text() const;
};

/// "1e-3", or "0.1%" of each tensor's largest magnitude. `invalid_argument` names the valid forms.
[[nodiscard]] Result<ErrorBound> parse_error_bound(std::string_view text);

/// What is said of tensors by their names, whatever the goal.
struct TensorPin {
  enum class Kind : std::uint8_t {
    lossless,    ///< "embed.*=lossless"
    bits,        ///< "embed.*=8bit": about so many bits a weight
    least_bits,  ///< "embed.*>=4bit": steps that take so many, or finer ones where the budget allows
    bound,       ///< "embed.*=1e-3", "embed.*=0.1%": no element further off
  };

  std::string pattern;  ///< of the whole name; * stands for any characters, ? for one
  Kind kind = Kind::lossless;
  double bits = 0;
  ErrorBound bound = {};

  /// In the form that parse_tensor_pin() reads.
  [[nodiscard]] std::string text() const;
};

/// Reads such forms. `invalid_argument` names them.
[[nodiscard]] Result<TensorPin> parse_tensor_pin(std::string_view text);

/// What may be lost of the float tensors of a file (F32, BF16, F16); all others stay as they are.
struct LossOptions {
  /// A ceiling on the whole artifact, in bytes, bits a weight or a share of the input. The sum of weighed relative
  /// errors is then the least that it allows.
  std::optional<Budget> budget = {};
  std::optional<ErrorBound> max_error = {};  ///< of every element; not with a budget
  /// An artifact that may be cut to any size (cut_tensors()): the least of each tensor, and behind it what makes it
  /// better, the best first. The budget, where there is one, is the largest size. Not with a bound on all elements.
  bool progressive = false;
  std::vector<TensorPin> pins = {};  ///< the first that fits a name counts
  /// A file of save_sensitivity(): what an error on each tensor costs. Tensors that it does not name, and all without
  /// it: 1 for each matrix, 16 for each vector, times the median of what was measured over that.
  std::filesystem::path sensitivity = {};
  TensorSensitivities measured = {};  ///< the same at hand, where no file is named
  /// A file of counts, one a line: how often each row of a table is met. Its frequent rows take finer steps, the rare
  /// ones coarser ones. Not for a table with a bound.
  std::filesystem::path frequencies = {};
  std::string table = {};  ///< its name; empty: the only matrix with so many rows

  [[nodiscard]] bool any() const noexcept { return budget || max_error || progressive || !pins.empty(); }
};

/// How far a tensor is from what it was.
struct TensorLoss {
  double relative_error = 0;  ///< ‖Ŵ − W‖² / ‖W‖², over finite elements
  double max_error = 0;       ///< the largest difference of an element
  double sensitivity = 0;     ///< α, what its error was weighed by; 0: it was not
};

}  // namespace attar
