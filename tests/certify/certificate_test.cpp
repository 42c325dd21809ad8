#include "certify/certificate.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <functional>
#include <limits>

#include "base/random.h"

namespace attar::certify {
namespace {

using Json = nlohmann::ordered_json;

Binding some_binding() {
  const std::vector<float> queries{1, 2, 3, 4};
  Binding out;
  out.k = 10;
  out.rows = 60'000;
  out.queries_given = 3000;
  out.plans_tested = 2;
  out.seed = std::numeric_limits<std::uint64_t>::max();
  out.content = base::sha256(std::as_bytes(std::span(queries)));
  out.queries = queries_digest(queries, 2);
  out.plan = "tcq 4 bits, \"flat\" \\ é";
  out.build = "attar 0.1.0 avx512";
  return out;
}

Certificate mean_certificate() {
  const Finding finding{
      .estimate = 0.9678123456789, .lower_bound = 0.95, .passed = true, .queries = 1998, .queries_needed = 78};
  return make_certificate({.floor = 0.95}, finding, some_binding());
}

Certificate tail_certificate() {
  const Finding finding{.estimate = 0.97, .lower_bound = 0.961, .passed = true, .queries = 1998, .queries_needed = 59};
  return make_certificate({.floor = 0.8, .share = 0.95}, finding, some_binding());
}

TEST(CertificateJson, RoundTripsToTheBit) {
  std::vector<Certificate> all{mean_certificate(), tail_certificate(), mean_certificate()};
  all[2].metric = Metric::l2;
  all[2].proxy = all[2].reused_log = true;
  all[2].passed = false;
  all[2].floor = 1;
  all[2].queries_needed = std::numeric_limits<std::uint64_t>::max();
  const std::string text = to_json(all);
  const auto read = certificates_from_json(text);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(*read, all);
  EXPECT_EQ(certificates_from_json(text + std::string(500, ' ')).value(), all)
      << "the section is filled up with spaces";
  EXPECT_TRUE(certificates_from_json("[]").value().empty());
}

TEST(CertificateJson, KeysAreAnInterface) {
  const auto object = Json::parse(to_json(std::vector{mean_certificate()}))[0];
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{
                      "kind",         "metric",     "k",          "estimate", "floor",          "share",
                      "lower_bound",  "confidence", "passed",     "queries",  "queries_needed", "queries_given",
                      "plans_tested", "proxy",      "reused_log", "seed",     "content_digest", "queries_digest",
                      "plan",         "build",      "scope"}));
  EXPECT_EQ(object["kind"], "mean");
  EXPECT_EQ(object["metric"], "cosine");
}

void expect_corrupt(const std::string& text) {
  const auto read = certificates_from_json(text);
  ASSERT_FALSE(read.has_value()) << text;
  EXPECT_EQ(read.error().code, ErrorCode::corrupt) << text;
}

TEST(CertificateJson, RefusesEveryMissingUnknownOrWronglyTypedKey) {
  const auto good = Json::parse(to_json(std::vector{mean_certificate()}));
  for (const auto& [key, value] : good[0].items()) {
    auto missing = good;
    missing[0].erase(key);
    expect_corrupt(missing.dump());
    auto renamed = missing;
    renamed[0][key + "_"] = value;
    expect_corrupt(renamed.dump());
    for (const Json& other :
         {Json(nullptr), Json(-1), Json(1.5), Json(Json::array()), Json(Json::object()), Json("odd word")}) {
      if (other.is_string() && (key == "plan" || key == "build" || key == "scope")) continue;
      auto changed = good;
      changed[0][key] = other;
      expect_corrupt(changed.dump());
    }
    const std::string repeated = "[{\"" + key + "\":" + value.dump() + "," + good[0].dump().substr(1) + "]";
    expect_corrupt(repeated);
  }
}

TEST(CertificateJson, RefusesFiguresOutOfRangeOrAtOdds) {
  const auto with = [](const std::function<void(Certificate&)>& change, bool tail = false) {
    Certificate certificate = tail ? tail_certificate() : mean_certificate();
    change(certificate);
    expect_corrupt(to_json(std::vector{certificate}));
  };
  with([](Certificate& c) { c.estimate = 1.01; });
  with([](Certificate& c) { c.lower_bound = std::numeric_limits<double>::quiet_NaN(); });
  with([](Certificate& c) { c.lower_bound = 0.94; });
  with([](Certificate& c) { c.floor = 0; });
  with([](Certificate& c) { c.confidence = 1; });
  with([](Certificate& c) { c.confidence = 0; });
  with([](Certificate& c) { c.k = 0; });
  with([](Certificate& c) { c.plans_tested = 0; });
  with([](Certificate& c) { c.queries = 77; });
  with([](Certificate& c) { c.queries = 3001; });
  with([](Certificate& c) { c.share = 0.5; });
  with([](Certificate& c) { c.share = 0; }, true);
  with([](Certificate& c) { c.share = 1; }, true);
  with([](Certificate& c) { c.lower_bound = 0.949; }, true);
  with([](Certificate& c) { c.content_digest.pop_back(); });
  with([](Certificate& c) { c.queries_digest[5] = 'G'; });
  with([](Certificate& c) { c.plan.assign(most_certificate_text + 1, 'x'); });
}

TEST(CertificateJson, RefusesOtherDocuments) {
  for (const char* text : {"", " ", "{}", "null", "[1]", "[[]]", "[{}", "[]]", "[{}]", "\xff", "[\"\xff\"]"})
    expect_corrupt(text);
  expect_corrupt(std::string(100'000, '['));
  expect_corrupt(std::string(10'000'000, ' '));
  expect_corrupt(to_json(std::vector<Certificate>(most_certificates + 1, mean_certificate())));
  auto nested = Json::parse(to_json(std::vector{mean_certificate()}));
  nested[0]["plan"] = Json::array({Json::array()});
  expect_corrupt(nested.dump());
}

TEST(CertificateJson, TruncatedOrChangedBytesGiveAnErrorOrACertificate) {
  const std::string good = to_json(std::vector{mean_certificate()});
  for (std::size_t length = 0; length < good.size(); ++length) expect_corrupt(good.substr(0, length));
  base::Random random(1);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string changed = good;
    changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    const auto read = certificates_from_json(changed);
    if (read) continue;
    EXPECT_EQ(read.error().code, ErrorCode::corrupt);
    ++refused;
  }
  EXPECT_GT(refused, 1000);
}

TEST(CertificateJson, TextThatIsNoUtf8IsReplacedAndDoesNotThrow) {
  Certificate certificate = mean_certificate();
  certificate.plan = "caf\xe9";
  const auto read = certificates_from_json(to_json(std::vector{certificate}));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->front().plan, "caf\xef\xbf\xbd");
}

TEST(CertificateWords, SayWhatIsCertified) {
  EXPECT_EQ(describe(mean_certificate()),
            "Certified: mean recall@10 ≥ 0.95 (95% confidence; measured 0.9678 on 1998 held-out queries; lower bound "
            "0.9500).");
  EXPECT_EQ(describe(tail_certificate()),
            "Certified: at least 95% of queries reach recall@10 ≥ 0.8 (95% confidence; measured 97.00% of 1998 "
            "held-out queries; "
            "lower bound 0.9610).");
}

TEST(CertificateWords, SayWhyNothingIs) {
  const auto words = [](Claim claim, Finding finding) {
    return describe(make_certificate(claim, finding, some_binding()));
  };
  EXPECT_NE(
      words({.floor = 0.95}, {.estimate = 1, .queries = 40, .queries_needed = 78}).find("needs 78 queries, has 40"),
      std::string::npos);
  EXPECT_NE(words({.floor = 0.95}, {.estimate = 0.951, .lower_bound = 0.9439, .queries = 900, .queries_needed = 78})
                .find("was not shown at 95% confidence; measured 0.9510 on 900 held-out queries, lower bound 0.9439"),
            std::string::npos);
  EXPECT_NE(words({.floor = 1}, {.queries = 9, .queries_needed = std::numeric_limits<std::uint64_t>::max()})
                .find("no number of queries"),
            std::string::npos);
  const auto no_floor = words({}, {.estimate = 0.9, .lower_bound = 0.88999, .passed = true, .queries = 900});
  EXPECT_NE(no_floor.find("at least 0.8899"), std::string::npos) << "a bound is never rounded up: " << no_floor;
}

TEST(CertificateScope, NamesSnapshotMetricQueriesAndLimits) {
  const Certificate certificate = mean_certificate();
  for (const std::string& part :
       {std::string("60000 rows"), certificate.content_digest.substr(0, 12), std::string("cosine"),
        certificate.queries_digest.substr(0, 12), std::string("log of 3000"), std::string("promises nothing")})
    EXPECT_NE(certificate.scope.find(part), std::string::npos) << part << " in: " << certificate.scope;
  Binding binding = some_binding();
  binding.proxy = binding.reused_log = true;
  const auto scope = make_certificate({.floor = 0.9}, {}, binding).scope;
  EXPECT_NE(scope.find("proxy queries"), std::string::npos);
  EXPECT_NE(scope.find("earlier artifact"), std::string::npos);
}

TEST(QueriesDigest, DependsOnValuesAndShape) {
  const std::vector<float> queries{1, 2, 3, 4};
  const std::vector<float> others{1, 2, 3, 5};
  EXPECT_EQ(queries_digest(queries, 2), queries_digest(queries, 2));
  EXPECT_NE(queries_digest(queries, 2), queries_digest(queries, 4));
  EXPECT_NE(queries_digest(queries, 2), queries_digest(others, 2));
}

}  // namespace
}  // namespace attar::certify
