#include "format/losses.h"

#include <cmath>

#include "base/leb128.h"

namespace attar::format {
namespace {

constexpr unsigned most_leb_of_a_number = 5;
constexpr std::uint64_t least_bytes_of_a_loss = 1 + 8 * 5;

Result<double> take_real(base::ByteReader& in) {
  ATTAR_ASSIGN(const auto value, in.read<double>());
  if (!std::isfinite(value) || value < 0) return fail(ErrorCode::corrupt, "has a number that no loss can be");
  return value;
}

Result<TensorLossEntry> take_loss(base::ByteReader& in, std::uint64_t tensors) {
  TensorLossEntry out;
  ATTAR_ASSIGN(const std::uint64_t number, base::read_leb128(in, most_leb_of_a_number));
  if (number >= tensors) return fail(ErrorCode::corrupt, "names a tensor that is not there");
  out.tensor = static_cast<std::uint32_t>(number);
  ATTAR_ASSIGN(out.original, in.read<std::uint64_t>());
  ATTAR_ASSIGN(out.square, take_real(in));
  ATTAR_ASSIGN(out.squared_error, take_real(in));
  ATTAR_ASSIGN(out.max_error, take_real(in));
  ATTAR_ASSIGN(out.sensitivity, take_real(in));
  return out;
}

Result<Losses> losses_of(base::ByteReader& in, std::uint64_t tensors) {
  Losses out;
  ATTAR_ASSIGN(const auto goal, in.read<std::uint8_t>());
  if (goal > static_cast<std::uint8_t>(Losses::Goal::progressive))
    return fail(ErrorCode::too_new, "was packed to a goal of a later version");
  out.goal = static_cast<Losses::Goal>(goal);
  ATTAR_ASSIGN(out.goal_value, take_real(in));
  ATTAR_ASSIGN(out.step, take_real(in));
  ATTAR_ASSIGN(const std::uint64_t count, base::read_leb128(in, most_leb_of_a_number));
  if (count > tensors || count > in.remaining() / least_bytes_of_a_loss)
    return fail(ErrorCode::corrupt, "has more tensors than there are");
  for (std::uint64_t i = 0; i < count; ++i) {
    ATTAR_ASSIGN(const TensorLossEntry own, take_loss(in, tensors));
    if (!out.tensors.empty() && own.tensor <= out.tensors.back().tensor)
      return fail(ErrorCode::corrupt, "has tensors that do not ascend");
    out.tensors.push_back(own);
  }
  if (in.remaining() != 0) return fail(ErrorCode::corrupt, "goes on after its last tensor");
  return out;
}

}  // namespace

std::vector<std::byte> encode_losses(const Losses& losses) {
  base::ByteWriter out;
  out.write(static_cast<std::uint8_t>(losses.goal));
  out.write(losses.goal_value);
  out.write(losses.step);
  base::write_leb128(out, losses.tensors.size());
  for (const TensorLossEntry& own : losses.tensors) {
    base::write_leb128(out, own.tensor);
    out.write(own.original);
    for (const double value : {own.square, own.squared_error, own.max_error, own.sensitivity}) out.write(value);
  }
  return std::move(out).release();
}

Result<Losses> decode_losses(const SectionReader& section, std::uint64_t tensors) {
  ATTAR_TRY(section.expect_version(losses_wire_version));
  ATTAR_TRY(section.verify_all());
  base::ByteReader in(section.bytes());
  auto out = losses_of(in, tensors);
  if (!out) return section.fail(out.error().code, out.error().message);
  return out;
}

}  // namespace attar::format
