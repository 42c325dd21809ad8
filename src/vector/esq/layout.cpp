#include "vector/esq/layout.h"

#include <algorithm>

namespace attar::vector::esq {

Shape::Shape(std::uint32_t component_count, std::uint32_t codes, std::span<const std::uint8_t> widths)
    : components(component_count), walk_codes(codes) {
  const auto all = static_cast<std::uint32_t>(base::ceil_div(components, 4));
  std::uint32_t done = 0;  // bytes of crumbs
  for (const std::uint8_t bits : widths) {
    Group group{.first = 4 * done, .bits = bits, .walked = done < walk_codes};
    const std::uint32_t end = group.walked ? walk_codes : all;
    group.quarter = static_cast<std::uint8_t>(std::min<std::uint32_t>(end - done, largest_quarter));
    group.place = group.walked ? done : finish_codes;
    if (!group.walked) finish_codes += group.quarter;
    group.rest = finish_codes;
    finish_codes += group.rest_bytes();
    done += group.quarter;
    walked += group.walked ? 1 : 0;
    groups.push_back(group);
  }
}

}  // namespace attar::vector::esq
