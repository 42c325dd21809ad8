#include "options.h"

#include <optional>
#include <vector>

#include "attar/budget.h"
#include "convert.h"

namespace attar::python {
namespace {

std::uint64_t memory_of(const std::string& given) {
  const Budget size = take(parse_budget(given));
  if (size.unit != Budget::Unit::bytes || !(size.value < 0x1p50))
    raise({.code = ErrorCode::invalid_argument, .message = "memory: give a size, as in 500MB or 2GiB"});
  return static_cast<std::uint64_t>(size.value);
}

Metric metric_of(const std::string& name) {
  if (const auto metric = parse_metric(name)) return *metric;
  raise({.code = ErrorCode::invalid_argument, .message = "metric: give cosine, ip or l2"});
}

}  // namespace

PackOptions pack_options(const py::dict& given) {
  PackOptions out;
  if (const auto budget = option<std::optional<std::string>>(given, "budget")) out.budget = take(parse_budget(*budget));
  if (const auto recall = option<std::optional<std::string>>(given, "recall")) out.floor = take(parse_floor(*recall));
  if (const auto latency = option<std::optional<std::string>>(given, "latency"))
    out.latency = take(parse_latency(*latency));
  if (const auto qps = option<std::optional<std::string>>(given, "qps")) out.throughput = take(parse_throughput(*qps));
  out.metric = metric_of(option<std::string>(given, "metric"));
  out.queries = option<Path>(given, "queries");
  out.ids = option<Path>(given, "ids");
  out.codec = option<std::string>(given, "codec");
  out.index = option<std::string>(given, "index");
  out.keep_originals = option<std::string>(given, "keep_originals");
  out.meta = option<Path>(given, "meta");
  out.meta_fields = option<std::vector<std::string>>(given, "meta_fields");
  out.meta_sorted = option<std::vector<std::string>>(given, "meta_sorted");
  out.seed = option<std::uint64_t>(given, "seed");
  out.threads = option<unsigned>(given, "threads");
  out.memory_bytes = memory_of(option<std::string>(given, "memory"));
  out.confidence = option<double>(given, "confidence");
  out.input = {.field = option<std::string>(given, "field"), .format = option<std::string>(given, "format")};
  return out;
}

}  // namespace attar::python
