// Packs a small base to a budget, then searches it while it stays packed. Public headers only.
#include <attar/artifact.h>
#include <attar/budget.h>
#include <attar/evaluate.h>
#include <attar/pack.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

namespace {

constexpr std::uint32_t rows = 2000, dims = 64;

/// Vectors around forty centres, as embeddings of related texts lie.
std::vector<float> clustered_rows() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> centres(40 * dims), values(std::size_t{rows} * dims);
  for (float& value : centres) value = normal(random);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = centres[i / dims % 40 * dims + i % dims] + 0.5f * normal(random);
  return values;
}

/// .fvecs: the dimensions as 32 bits before each row of float32.
bool write_fvecs(const std::filesystem::path& path, const std::vector<float>& values) {
  std::ofstream out(path, std::ios::binary);
  for (std::size_t row = 0; row < rows; ++row) {
    out.write(reinterpret_cast<const char*>(&dims), sizeof dims);
    out.write(reinterpret_cast<const char*>(&values[row * dims]), dims * sizeof(float));
  }
  return out.good();
}

attar::Status pack_and_search(const std::filesystem::path& folder) {
  const std::vector<float> values = clustered_rows();
  if (!write_fvecs(folder / "base.fvecs", values)) return attar::fail(attar::ErrorCode::io, "cannot write the base");

  attar::PackOptions options;
  ATTAR_ASSIGN(options.budget, attar::parse_budget("40B/vec"));
  ATTAR_ASSIGN(const attar::PlanOutcome outcome, attar::pack(folder / "base.fvecs", folder / "base.attar", options));
  if (!outcome.reachable) return attar::fail(attar::ErrorCode::goal_unreachable, outcome.unreachable);
  std::printf("%llu bytes, %.2f a row: %s\n", static_cast<unsigned long long>(outcome.report.bytes),
              outcome.report.bytes_per_row, outcome.report.plan.c_str());
  for (const attar::Certificate& certificate : outcome.report.certificates)
    std::printf("%s\n", attar::describe(certificate).c_str());

  ATTAR_ASSIGN(const attar::Artifact artifact, attar::Artifact::open(folder / "base.attar"));
  attar::SearchOptions search;
  search.k = 3;
  ATTAR_ASSIGN(const attar::SearchResult result, artifact.search(std::span(values).first(dims), search));
  for (const attar::SearchHit& hit : result.hits.front()) std::printf("row %u, score %.4f\n", hit.row, hit.score);
  return {};
}

}  // namespace

int main() {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "attar-example-search";
  std::filesystem::create_directories(folder);
  const attar::Status status = pack_and_search(folder);
  std::filesystem::remove_all(folder);
  if (status) return 0;
  std::fprintf(stderr, "%s\n", status.error().describe().c_str());
  return 1;
}
