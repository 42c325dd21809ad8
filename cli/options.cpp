#include "options.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace attar::cli {
namespace {

template <class T>
bool parses(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

std::unexpected<Error> refuse(std::string_view text, std::string_view valid) {
  return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is not valid here: {}", text, valid));
}

}  // namespace

Result<std::uint64_t> parse_whole(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  if (!parses(text, value) || value < least || value > most)
    return refuse(text, fmt::format("give a whole number from {} to {}", least, most));
  return value;
}

Result<double> parse_between(std::string_view text, double low, double high) {
  double value = 0;
  if (!parses(text, value) || !(value > low && value < high))
    return refuse(text, fmt::format("give a number between {} and {}", low, high));
  return value;
}

Result<double> parse_finite(std::string_view text) {
  double value = 0;
  if (!parses(text, value) || !std::isfinite(value)) return refuse(text, "give a number, as in 0.8");
  return value;
}

Result<std::vector<std::uint32_t>> parse_ks(std::string_view text) {
  constexpr std::size_t most = 16;
  std::vector<std::uint32_t> ks;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto k = parse_whole(text.substr(begin, end - begin), 1, OpenLimits{}.max_hits);
    if (!k || ks.size() == most)
      return refuse(text,
                    fmt::format("give up to {} numbers from 1 to {}, as in 1,10,100", most, OpenLimits{}.max_hits));
    ks.push_back(static_cast<std::uint32_t>(*k));
    begin = end + 1;
  }
  std::ranges::sort(ks);
  const auto repeated = std::ranges::unique(ks);
  ks.erase(repeated.begin(), repeated.end());
  return ks;
}

Result<std::uint64_t> parse_memory(std::string_view text) {
  constexpr double least = 64.0 * 1024 * 1024;
  constexpr double most = 0x1p50;
  const auto size = parse_budget(text);
  if (!size || size->unit != Budget::Unit::bytes || size->value < least || size->value > most)
    return refuse(text, "give a size of at least 64MiB, as in 500MB or 2GiB");
  return static_cast<std::uint64_t>(size->value);
}

Result<Metric> parse_metric_name(std::string_view text) {
  if (const auto metric = parse_metric(text)) return *metric;
  return refuse(text, "give cosine, ip or l2");
}

Result<std::string> parse_word(std::string_view text, const std::vector<std::string>& words) {
  if (std::ranges::find(words, text) != words.end()) return std::string(text);
  const auto before_last = words.end() - 1;
  return refuse(text, fmt::format("give {} or {}", fmt::join(words.begin(), before_last, ", "), *before_last));
}

Option add_path(Command& command, const std::string& names, std::filesystem::path& target, const std::string& help,
                const std::string& type) {
  const auto parse = [](std::string_view text) -> Result<std::filesystem::path> {
    if (text.empty()) return refuse(text, "give the name of a file");
    return std::filesystem::path(text);
  };
  return add_value(command, names, target, parse, help, type);
}

void add_input_options(Command& command, InputOptions& input) {
  command.add_text("--field", input.field, "JSONL: the key that holds the vector", "KEY");
  command.add_text("--format", input.format,
                   "Format of the vectors where the name does not tell: npy, fvecs, bvecs, fbin, u8bin, i8bin, f16bin, "
                   "jsonl",
                   "NAME");
}

Result<std::vector<std::string>> parse_names(std::string_view text) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',') {
      out.emplace_back();
    } else {
      if (text.substr(i).starts_with("\\,")) ++i;
      out.back() += text[i];
    }
  }
  for (const std::string& name : out)
    if (name.empty() || std::ranges::count(out, name) > 1)
      return fail(ErrorCode::invalid_argument,
                  "name fields with commas between, each once, such as section,installed_size");
  return out;
}

void add_open_options(Command& command, OpenOptions& open) {
  command.add_flag(
      "--no-mmap", [&open] { open.mmap = false; }, "Read a private copy, for files that others may write meanwhile");
}

Result<std::string> parse_condition(std::string_view text) {
  if (text.find_first_not_of(" \t\n") != std::string_view::npos) return std::string(text);
  return fail(ErrorCode::invalid_argument, "a condition is needed, such as \"section = 'games' and size < 5000\"");
}

void add_where(Command& command, std::string& condition) {
  add_value(command, "--where", condition, parse_condition,
            "Only rows that this holds for: \"section = 'games' and size < 5000\" (grammar: docs/cli.md)", "CONDITION");
}

void add_threads(Command& command, unsigned& threads) {
  add_whole(command, "-T,--threads", threads, 0, 1024, "Threads; 0: one per available core");
}

void add_confidence(Command& command, double& confidence) {
  add_value(
      command, "--confidence", confidence, [](std::string_view text) { return parse_between(text, 0.5, 1); },
      "Of the certificate or interval (default 0.95)", "P");
}

void add_goal_options(Command& command, PackOptions& options) {
  add_value(command, "--budget", options.budget, parse_budget,
            "Ceiling on the whole file: 200MB, 1.5GiB, 64B/vec, 2.5bit or 30%", "SIZE");
  add_value(command, "--recall", options.floor, parse_floor, "Least mean recall: 0.95@10", "R@K");
  add_value(command, "--latency", options.latency, parse_latency,
            "The most that one query may take, alone on one thread of this machine: 2ms, 500us or 0.1s", "TIME");
  add_value(command, "--qps", options.throughput, parse_throughput,
            "Least queries a second, in large batches on one thread of this machine: 5000", "N");
  add_value(command, "--metric", options.metric, parse_metric_name, "cosine (default), ip or l2", "NAME");
  add_path(command, "--queries", options.queries, "A log of real queries; without it rows stand in");
  add_path(command, "--ids", options.ids, "One id a line; without it row numbers, which cost nothing");
  add_path(command, "--meta", options.meta, "Attributes, one line a row: .jsonl, .ndjson, .csv or .tsv");
  add_value(command, "--meta-fields", options.meta_fields, parse_names,
            "Only these fields of --meta; without it all that hold one value or a list of strings", "NAME,…");
  add_value(command, "--meta-sorted", options.meta_sorted, parse_names,
            "Numbers or dates that get a sorted order, inside the budget: narrow ranges are found quicker", "NAME,…");
  command.add_text("--codec", options.codec, "Only this codec (names: attar doctor)", "NAME");
  add_value(
      command, "--index", options.index,
      [](std::string_view text) {
        return parse_word(text, {"auto", "flat", "ivf", "graph"});
      },
      "flat: every row is scored; ivf: inverted lists; graph: a walk along links between neighbours, the quickest "
      "where "
      "64 bytes a row are to spare; auto (default): lists for many rows, for fewer where the goal asks for speed",
      "NAME");
  add_value(
      command, "--keep-originals", options.keep_originals,
      [](std::string_view text) {
        return parse_word(text, {"none", "i8", "f16", "f32"});
      },
      "Keep the originals in the file, inside the budget, and rank the best rows by them: i8, f16 or f32; none "
      "(default)",
      "TYPE");
  add_whole(command, "--seed", options.seed, 0, ~std::uint64_t{0}, "Of sampling and splitting (default 1)");
  add_threads(command, options.threads);
  add_value(command, "--memory", options.memory_bytes, parse_memory, "Working memory to aim at (default 2GiB)", "SIZE");
  add_confidence(command, options.confidence);
  add_input_options(command, options.input);
}

}  // namespace attar::cli
