// How an artifact of vectors is put together: which sections it has, what it will weigh, and the writing of it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attar/pack.h"
#include "base/progress.h"
#include "base/threads.h"
#include "codec/codec.h"
#include "engine/material.h"
#include "format/writer.h"
#include "plan/planner.h"

namespace attar::engine {

/// Sizes of the two texts, reserved before anything is planned, so that they cannot change the file's size.
inline constexpr std::uint64_t plan_bytes = 1024;
inline constexpr std::uint64_t certificate_bytes = 3072;

/// Everything of the file that does not depend on the plan.
class Assembly {
 public:
  /// The material outlives the assembly.
  Assembly(const Material& material, const codec::Schema& schema) : material_(&material), schema_(schema) {}

  /// Makes these originals, or none, part of the file.
  void keep(std::shared_ptr<const plan::Trial> originals) noexcept { originals_ = std::move(originals); }
  [[nodiscard]] const plan::Trial* originals() const noexcept { return originals_.get(); }

  /// The whole file's exact size with parts of these sizes.
  [[nodiscard]] Result<std::uint64_t> file_bytes(const plan::PartSizes& planned) const;
  /// The same, by part.
  [[nodiscard]] Result<std::vector<Part>> parts(const plan::PartSizes& planned) const;

  /// What of the file no plan changes: "1200 of them attributes; fewer fields take less"; empty: next to nothing.
  [[nodiscard]] std::string fixed_in_words() const;
  /// What to tell the user about the attributes.
  [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return material_->meta.notes; }

  /// Given the content's digest, the text of the certificate section.
  using Certify = std::function<Result<std::string>(const base::Digest& content)>;
  /// Writes the file, whole or not at all. `plan` takes at most plan_bytes.
  [[nodiscard]] Status write(const std::filesystem::path& path, const plan::Trial& trial, const std::string& plan,
                             const Certify& certify, Progress& progress) const;

 private:
  [[nodiscard]] std::vector<format::PlannedSection> sections(const plan::PartSizes& planned) const;
  [[nodiscard]] Status write_originals(format::ArtifactWriter& writer, Progress& progress) const;

  const Material* material_;
  codec::Schema schema_;
  std::shared_ptr<const plan::Trial> originals_;  // null: not kept
};

}  // namespace attar::engine
