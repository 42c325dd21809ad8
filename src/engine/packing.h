// Packs prepared material: chooses the plan, writes the artifact, reports.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "attar/pack.h"
#include "base/threads.h"
#include "engine/assembly.h"
#include "engine/material.h"
#include "engine/pack_words.h"
#include "plan/planner.h"

namespace attar::engine {

/// Options that make sense, and a file that could be written: before any work begins. An empty output is for plans.
[[nodiscard]] Status check_pack(const PackOptions& options, const std::filesystem::path& output);

class Packing {
 public:
  /// An empty output: only plan. Options, pool and progress outlive it.
  Packing(std::filesystem::path output, const PackOptions& options, base::ThreadPool& pool, Progress& progress)
      : output_(std::move(output)), options_(options), progress_(progress), pool_(pool) {}

  /// Once.
  [[nodiscard]] Result<PlanOutcome> run(Material material);

 private:
  [[nodiscard]] Status prepare();
  [[nodiscard]] Status keep_originals();
  [[nodiscard]] Status set_goal();
  [[nodiscard]] Result<PackReport> report(const plan::Decision& decision) const;
  [[nodiscard]] PackWords words() const { return {options_, setting_, assembly_->fixed_in_words()}; }
  [[nodiscard]] Nearest nearest(const plan::Nearest& found) const;
  [[nodiscard]] Explanation explanation(const plan::Decision& decision) const;
  [[nodiscard]] std::string plan_in_words(const plan::Decision& decision) const;
  [[nodiscard]] Certificate certificate(const plan::Decision& decision, const base::Digest& content) const;
  [[nodiscard]] Status write(const plan::Decision& decision, PackReport& report) const;

  std::filesystem::path output_;
  const PackOptions& options_;
  Progress& progress_;
  base::ThreadPool& pool_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Material material_;
  std::optional<Assembly> assembly_;
  plan::Setting setting_;
  base::Digest queries_digest_;
};

}  // namespace attar::engine
