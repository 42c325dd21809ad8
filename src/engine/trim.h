// Tables without some of their rows: which rows stay, what stands in the place of the others, and what is measured.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attar/result.h"
#include "attar/trim.h"
#include "base/bytes.h"
#include "engine/loss_meter.h"
#include "engine/weight_fit.h"
#include "format/kept_rows.h"
#include "format/tensors.h"

namespace attar::engine {

/// What the options say of these tensors, in their order, without the originals' checksums. `input`: what is packed.
/// `invalid_argument` where a pattern fits no table or two lists are for one; `invalid_data` for a file that is no such
/// list, with the line; errors of read_bert_folder() for tokens of something else than a model. A list that keeps all
/// rows is a note, and no more.
[[nodiscard]] Result<std::vector<format::KeptRowsEntry>> find_kept_rows(
    const std::filesystem::path& input, const TrimOptions& options, std::span<const format::TensorEntry* const> tensors,
    std::vector<std::string>& notes);

/// The table with the filler, or zeros, in the place of dropped rows.
[[nodiscard]] std::vector<std::byte> trimmed_table(base::ByteView table, const format::KeptRowsEntry& rows);

/// Has the tensor's steps depend on its kept rows alone; its view is that of the trimmed table.
void fit_kept_rows(LossyTensor& tensor, const format::KeptRowsEntry& rows);

/// Whether two tables keep the same rows; null: all.
[[nodiscard]] bool same_rows(const format::KeptRowsEntry* one, const format::KeptRowsEntry* other) noexcept;

[[nodiscard]] inline TrimmedTable trimmed_table_of(const format::TensorEntry& tensor,
                                                   const format::KeptRowsEntry& rows) {
  return {.name = tensor.name, .rows = rows.rows, .dropped = rows.dropped()};
}

}  // namespace attar::engine
