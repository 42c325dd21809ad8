// What esq's codes of a file's rows find and cost: recall@10 of scores by whole rows, the share of the true ten among
// the best by the walk, nanoseconds a row of each part (rows that lie in the nearer caches), microseconds to prepare a
// query. Rows and queries are normalised. Prints JSON, an object an option.
//   esq_bench ROWS QUERIES [--bytes B]... [--queries N]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string_view>

#include "codec/registry.h"
#include "data/source.h"
#include "math/vector_ops.h"

namespace {

using namespace attar;

constexpr std::uint32_t k = 10;
constexpr std::uint32_t walk_sizes[] = {32, 48, 128};
constexpr std::uint32_t near_rows = 2000;  // whose walks the second cache holds
constexpr int rounds = 40;

[[noreturn]] void stop(const std::string& why) {
  fmt::print(stderr, "esq_bench: {}\n", why);
  std::exit(2);
}

template <class T>
T checked(Result<T> result) {
  if (!result) stop(result.error().describe());
  return *std::move(result);
}
void checked(const Status& status) {
  if (!status) stop(status.error().describe());
}

struct Vectors {
  std::vector<float> values;
  std::uint32_t dims = 0;

  [[nodiscard]] std::size_t count() const { return values.size() / dims; }
  [[nodiscard]] std::span<const float> row(std::size_t i) const { return std::span(values).subspan(i * dims, dims); }
};

Vectors read(const char* path, std::uint64_t most) {
  const auto source = checked(data::open_vectors(path));
  Vectors out{.values = {}, .dims = source->dims()};
  out.values.resize(std::min(most, source->rows()) * out.dims);
  checked(source->read(0, out.values));
  (void)math::normalise_rows(out.values, out.dims);
  return out;
}

// By query, the k-th best inner product with any row.
std::vector<double> thresholds(const Vectors& rows, const Vectors& queries) {
  std::vector<double> out, all(rows.count());
  for (std::size_t q = 0; q < queries.count(); ++q) {
    for (std::size_t r = 0; r < all.size(); ++r) all[r] = math::dot(queries.row(q), rows.row(r));
    std::nth_element(all.begin(), all.begin() + k - 1, all.end(), std::greater<>());
    out.push_back(all[k - 1]);
  }
  return out;
}

double hits(const Vectors& rows, std::span<const float> query, double threshold, std::span<const std::uint32_t> found) {
  double out = 0;
  for (const std::uint32_t row : found) out += math::dot(query, rows.row(row)) >= threshold - 1e-6 ? 1 : 0;
  return std::min<double>(out, k) / k;
}

template <class Call>
double nanoseconds(std::size_t steps, const Call& call) {
  double best = 1e18;
  for (int round = 0; round < rounds; ++round) {
    const auto started = std::chrono::steady_clock::now();
    call();
    best = std::min(best, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - started).count());
  }
  return best / static_cast<double>(steps);
}

struct Pack {
  base::MemorySink codes;
  std::unique_ptr<codec::View> view;
};

Pack pack(const codec::Codec& esq, const codec::Trained& trained, const codec::Option& option,
          const codec::Schema& schema, const Vectors& rows, base::ThreadPool& pool) {
  Pack out;
  const auto model = checked(trained.build(option.params));
  const auto encoder = checked(esq.encoder(model, schema, out.codes, pool));
  checked(encoder->append({rows.values, rows.dims, 0}));
  checked(encoder->finish());
  auto section = format::SectionReader::trusted(out.codes.bytes(), "codes", esq.info().id, esq.info().wire_max);
  out.view = checked(esq.open(std::move(section), model, schema, {}));
  return out;
}

void measure(const codec::View& view, const Vectors& rows, const Vectors& queries, const std::vector<double>& truth) {
  double whole = 0, parts[std::size(walk_sizes)] = {};
  for (std::size_t q = 0; q < queries.count(); ++q) {
    const auto scorer = checked(view.scorable()->prepare({queries.row(q), queries.dims}));
    std::vector<codec::TopK> top(1, codec::TopK(k));
    scorer->scan({0, view.size()}, {}, top);
    std::vector<std::uint32_t> found;
    for (const codec::Hit& hit : top[0].sorted()) found.push_back(hit.row);
    whole += hits(rows, queries.row(q), truth[q], found);
    for (std::size_t i = 0; i < std::size(walk_sizes); ++i) {
      std::vector<codec::Shortlist> lists(1, codec::Shortlist(walk_sizes[i]));
      scorer->scan_parts({0, view.size()}, {}, 1, lists);
      found.clear();
      for (const codec::Partial& row : lists[0].take()) found.push_back(row.row);
      parts[i] += hits(rows, queries.row(q), truth[q], found);
    }
  }
  const double count = static_cast<double>(queries.count());
  fmt::print(R"("recall": {:.4f}, "walk": [{:.4f}, {:.4f}, {:.4f}], )", whole / count, parts[0] / count,
             parts[1] / count, parts[2] / count);
}

void time(const codec::View& view, const Vectors& queries) {
  const std::size_t count = std::min<std::size_t>(near_rows, view.size());
  std::vector<std::uint32_t> numbers(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = static_cast<std::uint32_t>(i * 7919 % count);
  std::vector<float> scores(count);
  std::vector<codec::Partial> partials(std::min<std::size_t>(count, 500));
  for (std::size_t i = 0; i < partials.size(); ++i) partials[i].row = numbers[i];
  const auto scorer = checked(view.scorable()->prepare({queries.row(0), queries.dims}));
  const double walk = nanoseconds(count, [&] { scorer->score_first(0, numbers, scores); });
  const double finish = nanoseconds(partials.size(), [&] { scorer->finish_rows(0, partials); });
  const std::size_t some = std::min<std::size_t>(queries.count(), 100);
  const double prepare = nanoseconds(some, [&] {
    for (std::size_t q = 0; q < some; ++q) (void)checked(view.scorable()->prepare({queries.row(q), queries.dims}));
  });
  fmt::print(R"("walk_ns": {:.1f}, "finish_ns": {:.1f}, "prepare_us": {:.2f}}})", walk, finish, prepare / 1000);
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) stop("wants ROWS QUERIES [--bytes B]... [--queries N]");
  std::vector<double> budgets;
  std::uint64_t most_queries = 600;
  for (int i = 3; i + 1 < count; i += 2) {
    if (std::string_view(words[i]) == "--bytes")
      budgets.push_back(std::atof(words[i + 1]));
    else
      most_queries = static_cast<std::uint64_t>(std::atoll(words[i + 1]));
  }
  if (budgets.empty()) budgets = {272, 303};
  const Vectors rows = read(words[1], ~std::uint64_t{0}), queries = read(words[2], most_queries);
  const codec::Codec& esq = *codec::find_codec("esq");
  const codec::Schema schema{.rows = rows.count(), .dims = rows.dims, .metric = Metric::cosine};
  base::ThreadPool pool(1);
  const auto trainer = checked(esq.trainer(schema, {.pool = &pool, .seed = 1}));
  checked(trainer->feed({rows.values, rows.dims, 0}));
  const auto trained = checked(trainer->finish());
  const std::vector<double> truth = thresholds(rows, queries);
  for (const double budget : budgets) {
    const auto bytes = static_cast<std::uint64_t>(budget * static_cast<double>(rows.count()));
    // The model is the same at any rate worth measuring: bytes are those of a row.
    const auto options = trained->options({.bytes = bytes + rows.dims * (std::uint64_t{rows.dims} + 16)});
    for (const codec::Option& option : options) {
      fmt::print(R"({{"variant": "{}", "row_bytes": {}, "distortion": {:.6f}, )", option.variant, option.bytes_per_row,
                 option.distortion);
      const Pack packed = pack(esq, *trained, option, schema, rows, pool);
      measure(*packed.view, rows, queries, truth);
      time(*packed.view, queries);
      fmt::print("\n");
    }
  }
}
