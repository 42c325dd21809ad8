#include "text/encoder/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/command.h"
#include "base/hash.h"
#include "math/vector_ops.h"
#include "text/encoder/static/static_encoder.h"

namespace attar::text {
namespace {

constexpr std::size_t most_dims = 65536, bytes_of_a_number = 32, most_of_one = most_dims * bytes_of_a_number;
constexpr std::uint32_t most_of_a_command = 1u << 20;
constexpr std::string_view between = " \t\r,[]";

std::unexpected<Error> wrong(std::string_view command, std::string_view what) {
  return fail(ErrorCode::invalid_data,
              fmt::format("the command '{}' {}; for each line of text it must print one line of numbers, the vector",
                          command, what));
}

// The numbers of a line.
Result<std::vector<float>> read_vector(std::string_view line, std::string_view command) {
  std::vector<float> out;
  for (std::size_t at = line.find_first_not_of(between); at != std::string_view::npos;
       at = line.find_first_not_of(between, at)) {
    float value = 0;
    const auto [end, error] = std::from_chars(line.data() + at, line.data() + line.size(), value);
    if (error != std::errc() || !std::isfinite(value))
      return wrong(command, fmt::format("prints '{}'", line.substr(at, 20)));
    at = static_cast<std::size_t>(end - line.data());
    if (out.size() == most_dims) return wrong(command, fmt::format("prints more than {} numbers a line", most_dims));
    out.push_back(value);
  }
  return out;
}

Result<std::string> run(const std::string& command, std::span<const std::string_view> texts, std::size_t dims) {
  std::string input;
  for (const std::string_view text : texts) {
    const std::size_t first = input.size();
    input += text;
    std::replace_if(
        input.begin() + static_cast<std::ptrdiff_t>(first), input.end(), [](char c) { return c == '\n' || c == '\r'; },
        ' ');
    input += '\n';
  }
  return base::run_command(command, input, texts.size() * (dims + 1) * bytes_of_a_number);
}

}  // namespace

Result<std::unique_ptr<CommandEncoder>> CommandEncoder::open(std::string command) {
  ATTAR_ASSIGN(const StaticEncoder* counter, embedded_encoder());
  std::unique_ptr<CommandEncoder> out(new CommandEncoder(std::move(command), *counter));
  const std::string& own = out->command_;
  const std::string_view probe = "attar";
  ATTAR_ASSIGN(const std::string printed, run(own, std::span(&probe, 1), most_of_one / bytes_of_a_number));
  ATTAR_ASSIGN(const auto vector, read_vector(std::string_view(printed).substr(0, printed.find('\n')), own));
  if (vector.empty()) return wrong(own, "prints nothing");
  const std::string identity = fmt::format("attar command 1{}{}", '\0', own);
  out->info_ = {.name = "cmd:" + own,
                .dims = static_cast<std::uint32_t>(vector.size()),
                .max_tokens = most_of_a_command,
                .digest = base::sha256(std::as_bytes(std::span(identity))).hex()};
  return out;
}

Status CommandEncoder::encode(std::span<const std::string_view> texts, base::ThreadPool&, std::span<float> out) const {
  if (out.size() != texts.size() * info_.dims)
    return fail(ErrorCode::invalid_argument, fmt::format("room for {} values is not that of {} vectors of {}",
                                                         out.size(), texts.size(), info_.dims));
  if (texts.empty()) return {};
  ATTAR_ASSIGN(const std::string printed, run(command_, texts, info_.dims));
  std::string_view rest = printed;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (rest.empty()) return wrong(command_, fmt::format("prints {} lines for {} texts", i, texts.size()));
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    ATTAR_ASSIGN(const auto vector, read_vector(rest.substr(0, end), command_));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (vector.size() != info_.dims)
      return wrong(command_,
                   fmt::format("prints {} numbers in line {}, {} in others", vector.size(), i + 1, info_.dims));
    std::ranges::copy(vector, out.subspan(i * info_.dims, info_.dims).begin());
  }
  if (rest.find_first_not_of("\r\n ") != std::string_view::npos)
    return wrong(command_, fmt::format("prints more than {} lines for as many texts", texts.size()));
  static_cast<void>(math::normalise_rows(out, info_.dims));  // what has no direction stays as it is
  return {};
}

std::size_t CommandEncoder::count_tokens(std::string_view text) const { return counter_.count_tokens(text); }

}  // namespace attar::text
