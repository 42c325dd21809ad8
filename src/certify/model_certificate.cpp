#include "certify/model_certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "certify/bounds.h"

namespace attar::certify {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view form = "attar-model-certificate 1";
constexpr std::size_t longest_text = 2048;

std::unexpected<Error> odd(std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("the certificate is not one of a model: {}", what));
}

Result<double> number_of(const Json& object, const char* key, double most) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return odd(fmt::format("it has no number \"{}\"", key));
  const double value = found->get<double>();
  if (!(value >= 0 && value <= most)) return odd(fmt::format("its \"{}\" is out of range", key));
  return value;
}

Result<std::string> text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return odd(fmt::format("it has no text \"{}\"", key));
  const auto& text = found->get_ref<const std::string&>();
  if (text.size() > longest_text) return odd(fmt::format("its \"{}\" is too long", key));
  return text;
}

}  // namespace

LostBound bound_lost(std::span<const double> lost, double delta) noexcept {
  // The test speaks of means that are at least a floor: of what is kept, of each text what it did not lose.
  std::vector<double> kept;
  kept.reserve(lost.size());
  double sum = 0;
  for (const double own : lost) {
    const double held = std::clamp(own, 0.0, 1.0);
    kept.push_back(1 - held);
    sum += held;
  }
  if (lost.empty()) return {};
  return {.mean = sum / static_cast<double>(lost.size()), .upper = 1 - mean_lower_bound(kept, {}, delta)};
}

std::string to_json(const ModelCertificate& certificate) {
  const Json out = {{"format", form},
                    {"texts", certificate.texts},
                    {"lost", certificate.lost},
                    {"upper_bound", certificate.upper_bound},
                    {"confidence", certificate.confidence},
                    {"predicted", certificate.predicted},
                    {"content_digest", certificate.content_digest},
                    {"texts_digest", certificate.texts_digest},
                    {"model_digest", certificate.model_digest},
                    {"build", certificate.build},
                    {"scope", certificate.scope}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ModelCertificate> model_certificate_from_json(std::string_view text) {
  if (text.size() > 8 * longest_text) return odd("it is longer than one can be");
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) return odd("it is no object");
  ATTAR_ASSIGN(const std::string format, text_of(object, "format"));
  if (format != form) return odd("it is of another format");
  ModelCertificate out;
  constexpr double most_texts = 1e15;
  ATTAR_ASSIGN(const double texts, number_of(object, "texts", most_texts));
  out.texts = static_cast<std::uint64_t>(texts);
  ATTAR_ASSIGN(out.lost, number_of(object, "lost", 1));
  ATTAR_ASSIGN(out.upper_bound, number_of(object, "upper_bound", 1));
  ATTAR_ASSIGN(out.confidence, number_of(object, "confidence", 1));
  ATTAR_ASSIGN(out.predicted, number_of(object, "predicted", HUGE_VAL));
  ATTAR_ASSIGN(out.content_digest, text_of(object, "content_digest"));
  ATTAR_ASSIGN(out.texts_digest, text_of(object, "texts_digest"));
  ATTAR_ASSIGN(out.model_digest, text_of(object, "model_digest"));
  ATTAR_ASSIGN(out.build, text_of(object, "build"));
  ATTAR_ASSIGN(out.scope, text_of(object, "scope"));
  return out;
}

}  // namespace attar::certify
