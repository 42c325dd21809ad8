#include "engine/plan_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace attar::engine {
namespace {

using Json = nlohmann::ordered_json;

std::unexpected<Error> odd(std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("the stored plan cannot be read: {}", what));
}

// Takes typed members and remembers the first that was missing or of another type.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  std::string text(const char* key) {
    const Json* value = member(key);
    return value != nullptr && value->is_string() ? value->get<std::string>() : (refuse(key), std::string{});
  }
  std::uint64_t whole(const char* key) {
    const Json* value = member(key);
    return value != nullptr && value->is_number_unsigned() ? value->get<std::uint64_t>() : (refuse(key), 0);
  }
  double real(const char* key) {
    const Json* value = member(key);
    return value != nullptr && value->is_number() ? value->get<double>() : (refuse(key), 0.0);
  }
  bool flag(const char* key) {
    const Json* value = member(key);
    return value != nullptr && value->is_boolean() ? value->get<bool>() : (refuse(key), false);
  }
  const Json* member(const char* key) const {
    const auto it = object_.find(key);
    return it == object_.end() ? nullptr : &*it;
  }
  void refuse(const char* key) {
    if (wrong_.empty()) wrong_ = key;
  }
  [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }

 private:
  const Json& object_;
  std::string wrong_;
};

std::uint32_t narrowed(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, 0xffff'ffffu));
}

}  // namespace

std::string to_json(const PlanText& plan) {
  Json out = {{"codec", plan.codec}, {"variant", plan.variant}, {"params", Json::object()}};
  for (const auto& [name, value] : plan.params.values) out["params"][name] = value;
  if (plan.look != index::Look{}) out["look"] = {{"head", plan.look.head}, {"shortlist", plan.look.shortlist}};
  if (plan.look.window != 0) out["look"]["window"] = plan.look.window;
  if (plan.look.rescored != 0) out["look"]["rescored"] = plan.look.rescored;
  if (plan.look.probe != 0) out["look"]["probe"] = plan.look.probe;
  if (plan.look.beam != 0) out["look"]["beam"] = plan.look.beam;
  if (plan.look.stretch != 0) out["look"]["stretch"] = plan.look.stretch;
  if (plan.budget) {
    out["budget"] = plan.budget->text();
    out["budget_bytes"] = plan.budget_bytes;
  }
  if (plan.floor) out["floor"] = plan.floor->text();
  if (plan.latency) out["latency"] = plan.latency->text();
  if (plan.throughput) out["qps"] = plan.throughput->text();
  out["k"] = plan.k;
  out["confidence"] = plan.confidence;
  out["seed"] = plan.seed;
  out["proxy"] = plan.proxy;
  out["queries"] = plan.queries;
  out["base"] = plan.base;
  if (plan.dropped != 0) out["dropped"] = plan.dropped;
  if (plan.mended != 0) out["mended"] = plan.mended;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<PlanText> plan_from_json(std::string_view text) {
  const Json document = Json::parse(text, nullptr, false);
  if (!document.is_object()) return odd("it is no JSON object");
  Fields fields(document);
  PlanText out;
  out.codec = fields.text("codec");
  out.variant = fields.text("variant");
  if (const Json* params = fields.member("params"); params != nullptr && params->is_object()) {
    for (const auto& [name, value] : params->items())
      if (value.is_number_integer())
        out.params.values[name] = value.get<std::int64_t>();
      else
        fields.refuse("params");
  } else {
    fields.refuse("params");
  }
  if (const Json* look = fields.member("look"); look != nullptr) {
    Fields looks(*look);
    out.look.head = narrowed(looks.whole("head"));
    out.look.shortlist = narrowed(looks.whole("shortlist"));
    if (looks.member("window") != nullptr) out.look.window = narrowed(looks.whole("window"));
    if (looks.member("rescored") != nullptr) out.look.rescored = narrowed(looks.whole("rescored"));
    if (looks.member("probe") != nullptr) out.look.probe = narrowed(looks.whole("probe"));
    if (looks.member("beam") != nullptr) out.look.beam = narrowed(looks.whole("beam"));
    if (looks.member("stretch") != nullptr) out.look.stretch = narrowed(looks.whole("stretch"));
    if (!looks.wrong().empty()) fields.refuse("look");
  }
  if (fields.member("budget") != nullptr) {
    ATTAR_ASSIGN(out.budget, parse_budget(fields.text("budget")));
    out.budget_bytes = fields.whole("budget_bytes");
  }
  if (fields.member("floor") != nullptr) {
    ATTAR_ASSIGN(out.floor, parse_floor(fields.text("floor")));
  }
  if (fields.member("latency") != nullptr) {
    ATTAR_ASSIGN(out.latency, parse_latency(fields.text("latency")));
  }
  if (fields.member("qps") != nullptr) {
    ATTAR_ASSIGN(out.throughput, parse_throughput(fields.text("qps")));
  }
  out.k = narrowed(fields.whole("k"));
  if (out.k == 0) fields.refuse("k");
  out.confidence = fields.real("confidence");
  out.seed = fields.whole("seed");
  out.proxy = fields.flag("proxy");
  out.queries = fields.text("queries");
  out.base = fields.text("base");
  if (fields.member("dropped") != nullptr) out.dropped = narrowed(fields.whole("dropped"));
  if (fields.member("mended") != nullptr) out.mended = narrowed(fields.whole("mended"));
  if (!fields.wrong().empty()) return odd(fmt::format("its '{}' is missing or of another type", fields.wrong()));
  return out;
}

std::string in_words(const PlanFacts& plan) {
  std::string index;
  if (plan.lists != 0) index = fmt::format("{} lists, ", plan.lists);
  if (plan.links != 0) index = fmt::format("graph of {} links a row, ", plan.links);
  return fmt::format("{}{}{}{}; {:.1f} B a row{}{}", index, plan.codec, plan.variant.empty() ? "" : ", ", plan.variant,
                     plan.code_bytes_per_row, plan.originals.empty() ? "" : "; originals as ", plan.originals);
}

}  // namespace attar::engine
