#include "format/ids.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "base/leb128.h"

namespace attar::format {
namespace {

constexpr std::uint64_t in_token = 15;  // lengths from here on continue after the token
constexpr unsigned leb_bytes = 3;

void write_rest_of_length(base::ByteWriter& out, std::uint64_t length) {
  if (length < in_token) return;
  base::write_leb128(out, length - in_token);
}

/// The length that a token's four bits announce, continued where they are full.
Result<std::uint64_t> read_length(base::ByteReader& in, std::uint64_t nibble) {
  if (nibble < in_token) return nibble;
  ATTAR_ASSIGN(const std::uint64_t more, base::read_leb128(in, leb_bytes));
  return in_token + more;
}

/// Turns the id before into the next one.
Status read_id(base::ByteReader& in, std::string& id) {
  ATTAR_ASSIGN(const auto token, in.read<std::uint8_t>());
  ATTAR_ASSIGN(const std::uint64_t shared, read_length(in, token >> 4));
  ATTAR_ASSIGN(const std::uint64_t rest, read_length(in, token & 15));
  if (shared > id.size()) return fail(ErrorCode::corrupt, "an id shares more than the id before it has");
  if (shared + rest > max_id_bytes)
    return fail(ErrorCode::corrupt, fmt::format("an id has more than {} bytes", max_id_bytes));
  ATTAR_ASSIGN(const auto own, in.take(rest));
  id.resize(shared);
  id.append(base::as_text(own));
  return {};
}

}  // namespace

Status IdsWriter::append(std::string_view id) {
  if (id.size() > max_id_bytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the id of row {} has {} bytes, at most {} are allowed; shorten it", rows_, id.size(),
                            max_id_bytes));
  if (rows_ % ids_per_group == 0 && rows_ != 0) ATTAR_TRY(flush_group());
  const std::uint64_t shared = static_cast<std::uint64_t>(std::ranges::mismatch(previous_, id).in1 - previous_.begin());
  const std::uint64_t rest = id.size() - shared;
  group_.write(static_cast<std::uint8_t>(std::min(shared, in_token) << 4 | std::min(rest, in_token)));
  write_rest_of_length(group_, shared);
  write_rest_of_length(group_, rest);
  group_.write_text(id.substr(shared));
  previous_ = id;
  ++rows_;
  return {};
}

Status IdsWriter::flush_group() {
  ATTAR_TRY(sink_->write(group_.bytes()));
  bytes_ += group_.size();
  ends_.push_back(bytes_);
  group_ = {};
  previous_.clear();
  return {};
}

Status IdsWriter::finish() {
  if (rows_ != 0) ATTAR_TRY(flush_group());
  return sink_->write(std::as_bytes(std::span(ends_)));
}

Result<IdsReader> IdsReader::open(SectionReader section, std::uint64_t rows) {
  ATTAR_TRY(section.expect_version(ids_wire_version));
  const std::uint64_t groups = base::ceil_div(rows, ids_per_group);
  const std::uint64_t size = section.bytes().size();
  if (groups > size / 8)
    return section.fail(ErrorCode::truncated,
                        fmt::format("{} bytes cannot hold the ids of {} rows; pack the data anew", size, rows));
  IdsReader out(std::move(section));
  out.rows_ = rows;
  out.index_at_ = size - groups * 8;
  return out;
}

Result<std::uint64_t> IdsReader::group_end(std::uint64_t index) const {
  const std::uint64_t at = index_at_ + index * 8;
  ATTAR_TRY(section_.verify(at, 8));
  return base::load<std::uint64_t>(section_.bytes().data() + at);
}

Result<base::ByteView> IdsReader::group(std::uint64_t index) const {
  std::uint64_t begin = 0;
  if (index != 0) {
    ATTAR_ASSIGN(begin, group_end(index - 1));
  }
  ATTAR_ASSIGN(const std::uint64_t end, group_end(index));
  if (begin > end || end > index_at_)
    return section_.fail(ErrorCode::corrupt,
                         fmt::format("the ends of group {} are out of order; pack the data anew", index),
                         index_at_ + index * 8);
  ATTAR_TRY(section_.verify(begin, end - begin));
  return section_.bytes().subspan(begin, end - begin);
}

template <class Visit>
Status IdsReader::decode(std::uint64_t index, std::uint64_t last, const Visit& visit) const {
  ATTAR_ASSIGN(const base::ByteView bytes, group(index));
  base::ByteReader in(bytes);
  std::string id;
  const std::uint64_t first = index * ids_per_group;
  const std::uint64_t group_last = std::min(first + ids_per_group, rows_);
  for (std::uint64_t row = first; row < std::min(last, group_last); ++row) {
    if (const Status status = read_id(in, id); !status)
      return section_.fail(ErrorCode::corrupt,
                           fmt::format("row {}: {}; pack the data anew", row, status.error().message));
    visit(row, id);
  }
  if (last >= group_last && in.remaining() != 0)
    return section_.fail(ErrorCode::corrupt,
                         fmt::format("{} bytes follow the ids of group {}; pack the data anew", in.remaining(), index));
  return {};
}

Result<std::string> IdsReader::id(std::uint64_t row) const {
  if (row >= rows_) return fail(ErrorCode::invalid_argument, fmt::format("row {} of {} was asked for", row, rows_));
  std::string out;
  ATTAR_TRY(decode(row / ids_per_group, row + 1, [&](std::uint64_t at, const std::string& id) {
    if (at == row) out = id;
  }));
  return out;
}

Result<std::vector<std::string>> IdsReader::ids(std::uint64_t first, std::uint64_t count) const {
  if (first > rows_ || count > rows_ - first)
    return fail(ErrorCode::invalid_argument,
                fmt::format("rows {} to {} of {} were asked for", first, first + count, rows_));
  std::vector<std::string> out;
  out.reserve(count);
  const std::uint64_t last = first + count;
  for (std::uint64_t index = first / ids_per_group; index * ids_per_group < last; ++index)
    ATTAR_TRY(decode(index, last, [&](std::uint64_t at, const std::string& id) {
      if (at >= first) out.push_back(id);
    }));
  return out;
}

Status IdsReader::check() const {
  const std::uint64_t groups = base::ceil_div(rows_, ids_per_group);
  for (std::uint64_t index = 0; index < groups; ++index)
    ATTAR_TRY(decode(index, rows_, [](std::uint64_t, const std::string&) {}));
  std::uint64_t end = 0;
  if (groups != 0) {
    ATTAR_ASSIGN(end, group_end(groups - 1));
  }
  if (end != index_at_)
    return section_.fail(ErrorCode::corrupt, "bytes lie between the ids and their index; pack the data anew", end);
  return {};
}

}  // namespace attar::format
