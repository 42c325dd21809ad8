#include "certify/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/bytes.h"

namespace attar::certify {
namespace {

using Json = nlohmann::ordered_json;

std::string_view kind_name(Certificate::Kind kind) noexcept {
  return kind == Certificate::Kind::mean ? "mean" : "tail";
}

std::unexpected<Error> odd(std::string_view what) {
  return fail(
      ErrorCode::corrupt,
      fmt::format("the certificate cannot be trusted: {}; measure again with `attar verify --base --queries`", what));
}

/// The bound in four digits, cut off rather than rounded: print no more than was shown.
double cut(double bound) noexcept { return std::floor(bound * 1e4 + 1e-9) / 1e4; }

std::string scope_of(const Certificate& certificate, std::uint64_t rows) {
  const std::string sample =
      certificate.proxy
          ? fmt::format(
                "{} rows of the base that stood in for queries (proxy queries; real ones may fare better or worse)",
                certificate.queries)
          : fmt::format("{} held-out queries of a log of {} (digest {}…)", certificate.queries,
                        certificate.queries_given, certificate.queries_digest.substr(0, 12));
  const std::string content = certificate.content_digest == base::Digest{}.hex()
                                  ? " (nothing was written)"
                                  : fmt::format(" (content {}…)", certificate.content_digest.substr(0, 12));
  return fmt::format(
      "Measured on this snapshot of {} rows{} under {} with {}, seed {}{}; it speaks of the average over queries drawn "
      "as these were, and promises nothing of a single query, of other kinds of queries, or of rows added or changed "
      "later.",
      rows, content, metric_name(certificate.metric), sample, certificate.seed,
      certificate.reused_log ? ", a log that had graded an earlier artifact too, so that its error adds to that one's"
                             : "");
}

Json to_object(const Certificate& c) {
  return {{"kind", kind_name(c.kind)},
          {"metric", metric_name(c.metric)},
          {"k", c.k},
          {"estimate", c.estimate},
          {"floor", c.floor},
          {"share", c.share},
          {"lower_bound", c.lower_bound},
          {"confidence", c.confidence},
          {"passed", c.passed},
          {"queries", c.queries},
          {"queries_needed", c.queries_needed},
          {"queries_given", c.queries_given},
          {"plans_tested", c.plans_tested},
          {"proxy", c.proxy},
          {"reused_log", c.reused_log},
          {"seed", c.seed},
          {"content_digest", c.content_digest},
          {"queries_digest", c.queries_digest},
          {"plan", c.plan},
          {"build", c.build},
          {"scope", c.scope}};
}

constexpr std::size_t key_count = 21;

/// Takes typed members out of one object and remembers the first thing that was wrong.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  double unit(const char* key) {
    const Json* value = member(key);
    if (value == nullptr || !value->is_number()) return refuse(key), 0;
    const auto number = value->get<double>();
    if (!(number >= 0 && number <= 1)) refuse(key);
    return number;
  }
  std::uint64_t whole(const char* key, std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    const Json* value = member(key);
    if (value == nullptr || !value->is_number_unsigned()) return refuse(key), 0;
    const auto number = value->get<std::uint64_t>();
    if (number > most) refuse(key);
    return number;
  }
  bool flag(const char* key) {
    const Json* value = member(key);
    if (value == nullptr || !value->is_boolean()) return refuse(key), false;
    return value->get<bool>();
  }
  std::string text(const char* key) {
    const Json* value = member(key);
    if (value == nullptr || !value->is_string()) return refuse(key), std::string();
    auto out = value->get<std::string>();
    if (out.size() > most_certificate_text) refuse(key);
    return out;
  }
  std::string digest(const char* key) {
    auto out = text(key);
    const bool hex =
        std::all_of(out.begin(), out.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (out.size() != 64 || !hex) refuse(key);
    return out;
  }

  void refuse(const char* key) {
    if (!wrong_) wrong_ = key;
  }
  [[nodiscard]] const std::optional<std::string>& wrong() const noexcept { return wrong_; }

 private:
  const Json* member(const char* key) {
    const auto at = object_.find(key);
    return at == object_.end() ? nullptr : &*at;
  }

  const Json& object_;
  std::optional<std::string> wrong_;
};

/// Figures that no measurement could have given together.
bool contradicts_itself(const Certificate& c) noexcept {
  const bool tail = c.kind == Certificate::Kind::tail;
  const double claimed = tail ? c.share : c.floor;
  if (tail != (c.share > 0) || c.share >= 1) return true;
  if (c.confidence <= 0 || c.confidence >= 1 || c.k == 0 || c.plans_tested == 0) return true;
  if (!c.proxy && c.queries > c.queries_given) return true;
  return c.passed && (claimed <= 0 || c.lower_bound < claimed || c.queries < c.queries_needed);
}

Result<Certificate> from_object(const Json& object) {
  if (!object.is_object() || object.size() != key_count) return odd("it lacks a key or has one too many");
  Fields fields(object);
  Certificate c;
  const std::string kind = fields.text("kind");
  if (kind != "mean" && kind != "tail") fields.refuse("kind");
  c.kind = kind == "tail" ? Certificate::Kind::tail : Certificate::Kind::mean;
  const auto metric = parse_metric(fields.text("metric"));
  if (!metric) fields.refuse("metric");
  c.metric = metric.value_or(Metric::cosine);
  c.k = static_cast<std::uint32_t>(fields.whole("k", std::numeric_limits<std::uint32_t>::max()));
  c.estimate = fields.unit("estimate");
  c.floor = fields.unit("floor");
  c.share = fields.unit("share");
  c.lower_bound = fields.unit("lower_bound");
  c.confidence = fields.unit("confidence");
  c.passed = fields.flag("passed");
  c.queries = fields.whole("queries");
  c.queries_needed = fields.whole("queries_needed");
  c.queries_given = fields.whole("queries_given");
  c.plans_tested = static_cast<std::uint32_t>(fields.whole("plans_tested", std::numeric_limits<std::uint32_t>::max()));
  c.proxy = fields.flag("proxy");
  c.reused_log = fields.flag("reused_log");
  c.seed = fields.whole("seed");
  c.content_digest = fields.digest("content_digest");
  c.queries_digest = fields.digest("queries_digest");
  c.plan = fields.text("plan");
  c.build = fields.text("build");
  c.scope = fields.text("scope");
  if (fields.wrong()) return odd(fmt::format("its '{}' is missing or out of range", *fields.wrong()));
  if (contradicts_itself(c)) return odd("its figures contradict each other");
  return c;
}

/// Parses without exceptions, at most an array of objects deep, and refuses a key that stands twice in one object.
Result<Json> parse(std::string_view text) {
  std::set<std::string> keys;
  bool repeated = false;
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.clear();
    if (event == Json::parse_event_t::key) repeated |= !keys.insert(value.get<std::string>()).second;
    const bool opens = event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    too_deep |= opens && depth >= 2;
    return !too_deep;  // what lies deeper is not kept
  };
  Json document = Json::parse(text, watch, false);
  if (document.is_discarded()) return odd("it is not JSON");
  if (repeated) return odd("a key stands twice");
  if (too_deep) return odd("it nests deeper than certificates do");
  return document;
}

std::string asked(const Certificate& c, double recall_floor) {
  return c.kind == Certificate::Kind::mean
             ? fmt::format("mean recall@{} ≥ {:.4g}", c.k, recall_floor)
             : fmt::format("at least {:.4g}% of queries reach recall@{} ≥ {:.4g}", 100 * c.share, c.k, recall_floor);
}

}  // namespace

Certificate make_certificate(const Claim& claim, const Finding& finding, const Binding& binding) {
  Certificate out;
  out.kind = claim.share > 0 ? Certificate::Kind::tail : Certificate::Kind::mean;
  out.metric = binding.metric;
  out.k = binding.k;
  out.estimate = finding.estimate;
  out.floor = claim.floor;
  out.share = claim.share;
  out.lower_bound = finding.lower_bound;
  out.confidence = 1 - claim.delta;
  out.passed = finding.passed && (claim.share > 0 || claim.floor > 0);
  out.queries = finding.queries;
  out.queries_needed = finding.queries_needed;
  out.queries_given = binding.queries_given;
  out.plans_tested = binding.plans_tested;
  out.proxy = binding.proxy;
  out.reused_log = binding.reused_log;
  out.seed = binding.seed;
  out.content_digest = binding.content.hex();
  out.queries_digest = binding.queries.hex();
  out.plan = binding.plan;
  out.build = binding.build;
  out.scope = scope_of(out, binding.rows);
  return out;
}

base::Digest queries_digest(std::span<const float> queries, std::uint32_t dims) {
  base::Sha256 hasher;
  hasher.update(std::as_bytes(std::span(&dims, 1)));
  hasher.update(std::as_bytes(queries));
  return hasher.finish();
}

std::string describe(const Certificate& c) {
  const std::string measured = c.kind == Certificate::Kind::mean
                                   ? fmt::format("measured {:.4f} on {} {}", c.estimate, c.queries,
                                                 c.proxy ? "proxy queries" : "held-out queries")
                                   : fmt::format("measured {:.2f}% of {} {}", 100 * c.estimate, c.queries,
                                                 c.proxy ? "proxy queries" : "held-out queries");
  const std::string sure = fmt::format("{:.4g}% confidence", 100 * c.confidence);
  if (c.passed)
    return fmt::format("Certified: {} ({}; {}; lower bound {:.4f}).", asked(c, c.floor), sure, measured,
                       cut(c.lower_bound));
  if (c.kind == Certificate::Kind::mean && c.floor <= 0)
    return fmt::format("Mean recall@{} is at least {:.4f} ({}; {}); no floor was asked for.", c.k, cut(c.lower_bound),
                       sure, measured);
  if (c.queries_needed == std::numeric_limits<std::uint64_t>::max())
    return fmt::format("Not certified: {}, which no number of queries can show; {}.", asked(c, c.floor), measured);
  if (c.queries < c.queries_needed)
    return fmt::format("Not certified: {} needs {} queries, has {}; {}.", asked(c, c.floor), c.queries_needed,
                       c.queries, measured);
  return fmt::format("Not certified: {} was not shown at {}; {}, lower bound {:.4f}.", asked(c, c.floor), sure,
                     measured, cut(c.lower_bound));
}

std::string to_json(std::span<const Certificate> certificates) {
  Json out = Json::array();
  for (const Certificate& certificate : certificates) out.push_back(to_object(certificate));
  // A plan or path that is no UTF-8 must not throw: its bad bytes become U+FFFD.
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::vector<Certificate>> certificates_from_json(std::string_view text) {
  constexpr std::size_t most_bytes =
      most_certificates * 6 * 6 * most_certificate_text;  // six texts, six bytes an escape
  if (text.size() > most_bytes) return odd("it is longer than certificates can be");
  ATTAR_ASSIGN(const Json document, parse(text));
  if (!document.is_array() || document.size() > most_certificates) return odd("it is no list of certificates");
  std::vector<Certificate> out;
  for (const Json& object : document) {
    ATTAR_ASSIGN(Certificate certificate, from_object(object));
    out.push_back(std::move(certificate));
  }
  return out;
}

}  // namespace attar::certify
