#include "data/documents/encoding.h"

#include <fmt/format.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "data/documents/names.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

constexpr std::size_t looked_at = 8 << 10;
constexpr std::size_t detected_in = 16 << 10;  // the detector reads a few MB a second

using Converter = std::unique_ptr<UConverter, decltype([](UConverter* c) { ucnv_close(c); })>;
using Detector = std::unique_ptr<UCharsetDetector, decltype([](UCharsetDetector* d) { ucsdet_close(d); })>;

Converter open_converter(const std::string& name) {
  UErrorCode status = U_ZERO_ERROR;
  return Converter(ucnv_open(name.c_str(), &status));
}

/// The bytes as UTF-8; nothing where they are not all valid and `repair`, U+FFFD for those, is not asked for.
std::optional<std::string> convert(std::string_view bytes, const std::string& name, bool repair) {
  const Converter from = open_converter(name);
  const Converter to = open_converter("UTF-8");
  if (!from || !to) return std::nullopt;
  UErrorCode status = U_ZERO_ERROR;
  if (!repair) ucnv_setToUCallBack(from.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
  std::string out;
  std::array<char, 1 << 14> part{};
  std::array<UChar, 1 << 12> pivot{};
  UChar *pivot_from = pivot.data(), *pivot_to = pivot.data();
  const char* source = bytes.data();
  for (bool first = true;; first = false) {
    char* target = part.data();
    status = U_ZERO_ERROR;
    ucnv_convertEx(to.get(), from.get(), &target, part.data() + part.size(), &source, bytes.data() + bytes.size(),
                   pivot.data(), &pivot_from, &pivot_to, pivot.data() + pivot.size(), first, true, &status);
    out.append(part.data(), target);
    if (status == U_BUFFER_OVERFLOW_ERROR) continue;
    if (U_FAILURE(status)) return std::nullopt;
    return out;
  }
}

struct Mark {
  std::string_view bytes;
  const char* encoding;
};
// UTF-32 first: its mark begins as UTF-16's does.
constexpr std::array marks{
    Mark{"\xef\xbb\xbf", "UTF-8"}, Mark{{"\xff\xfe\0\0", 4}, "UTF-32LE"}, Mark{{"\0\0\xfe\xff", 4}, "UTF-32BE"},
    Mark{"\xff\xfe", "UTF-16LE"},  Mark{"\xfe\xff", "UTF-16BE"},
};

/// Text of mostly Latin letters in UTF-16 has a NUL byte in nearly every pair, always on the same side.
const char* utf16_by_pattern(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, looked_at);
  std::array<std::size_t, 2> zeros{};
  for (std::size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == '\0';
  const std::size_t more = std::max(zeros[0], zeros[1]);
  if (bytes.size() % 2 != 0 || more == 0 || more * 3 < head.size() || std::min(zeros[0], zeros[1]) * 100 > more)
    return nullptr;
  return zeros[1] > zeros[0] ? "UTF-16LE" : "UTF-16BE";
}

/// True for what text does not hold: controls but for tabs, line ends, form feeds and escapes.
bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 && (byte < '\t' || byte > '\r') && byte != 0x1b;
}

std::unexpected<Error> binary(std::string why) {
  return fail(ErrorCode::invalid_data, fmt::format("is binary: {}", std::move(why)));
}

Status check_text(std::string_view text) {
  const std::size_t zero = text.find('\0');
  if (zero != std::string_view::npos) return binary(fmt::format("byte {} is NUL", zero));
  const auto controls = static_cast<std::size_t>(std::ranges::count_if(text.substr(0, looked_at), is_control));
  if (controls * 100 > std::min(text.size(), looked_at)) return binary("it holds control characters");
  return {};
}

Result<Decoded> converted(std::string_view bytes, const char* encoding) {
  auto text = convert(bytes, encoding, false);
  if (!text) return fail(ErrorCode::invalid_data, fmt::format("is no valid {}, which it seems to be", encoding));
  ATTAR_TRY(check_text(*text));
  return Decoded{.text = *std::move(text)};
}

/// True for UTF-8 in which few bytes are wrong: they are somebody's mistake, and no sign of another encoding.
bool nearly_utf8(std::string_view bytes) noexcept {
  std::size_t valid = 0, wrong = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    if (lead < 0x80) continue;
    const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    const std::string_view tail = bytes.substr(i + 1, more);
    const bool whole = lead >= 0xc2 && lead < 0xf5 && tail.size() == more &&
                       std::ranges::all_of(tail, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; });
    ++(whole ? valid : wrong);
    if (whole) i += more;
  }
  return valid > 10 * wrong;
}

bool mostly_ascii(std::string_view bytes) {
  const auto ascii = std::ranges::count_if(bytes, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return static_cast<std::size_t>(ascii) > bytes.size() / 2;
}

/// By the statistics of ICU's detector, the likeliest first; what is ASCII tells it little.
Result<Decoded> detected(std::string_view bytes) {
  UErrorCode status = U_ZERO_ERROR;
  const Detector detector(ucsdet_open(&status));
  const auto first = std::ranges::find_if(bytes, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  const auto before = std::min<std::size_t>(static_cast<std::size_t>(first - bytes.begin()), detected_in / 4);
  const std::string_view part = std::string_view(first - before, bytes.end()).substr(0, detected_in);
  ucsdet_setText(detector.get(), part.data(), static_cast<std::int32_t>(part.size()), &status);
  std::int32_t count = 0;
  const UCharsetMatch** matches = ucsdet_detectAll(detector.get(), &count, &status);
  for (std::int32_t i = 0; U_SUCCESS(status) && i < count; ++i) {
    const char* name = ucsdet_getName(matches[i], &status);
    if (auto text = convert(bytes, name, false)) return Decoded{.text = *std::move(text)};
  }
  return fail(ErrorCode::invalid_data, "is in no encoding that can be told; convert it to UTF-8, as with iconv");
}

/// What a page's word for its encoding means: as browsers take it, Latin-1 is windows-1252, and one that says UTF-16 in
/// single bytes is not to be believed.
std::string encoding_meant(std::string_view declared) {
  std::string name = lowered(declared);
  if (name.starts_with("utf")) return {};
  if (name == "iso-8859-1" || name == "latin1" || name == "us-ascii" || name == "ascii") return "windows-1252";
  return name;
}

}  // namespace

Result<Decoded> decode(std::string bytes, std::string_view declared) {
  const auto mark = std::ranges::find_if(marks, [&](const Mark& m) { return bytes.starts_with(m.bytes); });
  const std::size_t offset = mark == marks.end() ? 0 : mark->bytes.size();
  if (mark != marks.end() && mark != marks.begin())
    return converted(std::string_view(bytes).substr(offset), mark->encoding);
  if (const char* encoding = utf16_by_pattern(bytes))
    if (auto text = converted(bytes, encoding)) return text;
  ATTAR_TRY(check_text(bytes));
  bytes.erase(0, offset);
  if (is_utf8(bytes)) return Decoded{.text = std::move(bytes), .offset = offset, .verbatim = true};
  if (nearly_utf8(bytes))
    if (auto text = convert(bytes, "UTF-8", true)) return Decoded{.text = *std::move(text)};
  if (const std::string encoding = encoding_meant(declared); !encoding.empty())
    if (auto text = convert(bytes, encoding, false); text && check_text(*text))
      return Decoded{.text = *std::move(text)};
  auto out = detected(bytes);
  // A few letters are too little for statistics.
  if (!out && mostly_ascii(bytes))
    if (auto text = convert(bytes, "windows-1252", false)) return Decoded{.text = *std::move(text)};
  ATTAR_TRY(out);
  ATTAR_TRY(check_text(out->text));
  return out;
}

std::string_view declared_charset(std::string_view html) noexcept {
  constexpr std::string_view word = "charset=";
  html = html.substr(0, 1024);
  for (std::size_t at = 0; at + word.size() < html.size(); ++at) {
    if (!equal_ascii(html.substr(at, word.size()), word)) continue;
    at += word.size();
    if (html[at] == '"' || html[at] == '\'') ++at;
    const std::size_t end = html.find_first_of("\"' \t\r\n;>/", at);
    return end == std::string_view::npos ? std::string_view{} : html.substr(at, end - at);
  }
  return {};
}

}  // namespace attar::data
