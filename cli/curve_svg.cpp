#include "curve_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "output.h"

namespace attar::cli {
namespace {

constexpr double width = 760, height = 460, left = 70, right = 600, top = 50, bottom = 400;
constexpr std::array colours{"#d1495b", "#2e86ab", "#e09f3e", "#4a9c6d", "#8a6fbf", "#c0699a", "#7a8b99", "#a0785a"};
constexpr std::array recall_ticks{0.0,  0.5,   0.7,   0.8,   0.9,    0.95,   0.97,  0.98,
                                  0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999};

constexpr std::string_view style = R"(<style>
text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-size: 15px; font-weight: 600 }
.grid { stroke: #8885 } .axis { stroke: #888 } .curve { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
</style>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// Recall on its axis; what lies above the last tick is drawn at it.
double nines(double recall) { return -std::log10(1 - std::clamp(recall, recall_ticks.front(), recall_ticks.back())); }

struct Axes {
  double bytes_high = 1, bytes_step = 1;
  std::size_t first_tick = 0, last_tick = 1;  ///< of recall_ticks

  [[nodiscard]] double x(double bytes) const { return left + (right - left) * bytes / bytes_high; }
  [[nodiscard]] double y(double recall) const {
    const double low = nines(recall_ticks[first_tick]), high = nines(recall_ticks[last_tick]);
    return bottom - (bottom - top) * (nines(recall) - low) / (high - low);
  }
};

/// The step of 1, 2 or 5 times a power of ten that gives four to ten ticks.
double nice_step(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 4)));
  for (const double factor : {5.0, 2.0})
    if (factor * power <= range / 4) return factor * power;
  return power;
}

Axes axes_of(const std::vector<Curve>& curves) {
  double bytes = 0, low = 1, high = 0;
  for (const Curve& curve : curves)
    for (const CurvePoint& point : curve.points) {
      bytes = std::max(bytes, point.bytes_per_row);
      low = std::min(low, point.low);
      high = std::max(high, point.high);
    }
  Axes axes;
  axes.bytes_step = nice_step(std::max(bytes, 1e-3));
  axes.bytes_high = std::ceil(bytes * 1.02 / axes.bytes_step) * axes.bytes_step;
  const auto above = [](double value) {
    return static_cast<std::size_t>(std::ranges::upper_bound(recall_ticks, value) - recall_ticks.begin());
  };
  axes.first_tick = std::min(above(low) - 1, recall_ticks.size() - 2);
  axes.last_tick = std::clamp(above(high), axes.first_tick + 1, recall_ticks.size() - 1);
  return axes;
}

std::string text(double x, double y, std::string_view anchor, std::string_view words, std::string_view more = {}) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                     escaped(words));
}

std::string line(double x0, double y0, double x1, double y1, std::string_view more) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x0, y0, x1, y1, more);
}

std::string draw_axes(const Axes& axes, std::uint32_t k) {
  std::string out;
  const auto ticks = static_cast<int>(std::lround(axes.bytes_high / axes.bytes_step));
  for (int i = 0; i <= ticks; ++i) {
    const double bytes = i * axes.bytes_step;
    out += line(axes.x(bytes), top, axes.x(bytes), bottom, "class=\"grid\"");
    out += text(axes.x(bytes), bottom + 18, "middle", fmt::format("{:g}", bytes));
  }
  for (std::size_t i = axes.first_tick; i <= axes.last_tick; ++i) {
    const double y = axes.y(recall_ticks[i]);
    out += line(left, y, right, y, "class=\"grid\"");
    out += text(left - 8, y + 4, "end", fmt::format("{:g}", recall_ticks[i]));
  }
  out += line(left, bottom, right, bottom, "class=\"axis\"") + line(left, top, left, bottom, "class=\"axis\"");
  out += text((left + right) / 2, bottom + 40, "middle", "bytes a row, the whole file counted");
  return out + text(left, 26, "start", fmt::format("recall@{} against bytes a row", k), " class=\"title\"");
}

std::string draw_curve(const Curve& curve, const Axes& axes, std::string_view colour) {
  std::string path, marks;
  const std::string stroke = fmt::format("stroke=\"{}\"", colour);
  for (const CurvePoint& point : curve.points) {
    const double x = axes.x(point.bytes_per_row), y = axes.y(point.recall);
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", x, y);
    if (point.low < point.high) marks += line(x, axes.y(point.low), x, axes.y(point.high), stroke);
    marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"><title>{}</title></circle>\n", x, y,
                         colour,
                         escaped(fmt::format("{}: {:.2f} bytes a row, recall {:.4f} [{:.4f}, {:.4f}]", point.name,
                                             point.bytes_per_row, point.recall, point.low, point.high)));
  }
  return fmt::format("<polyline class=\"curve\" points=\"{}\" {}/>\n{}", path, stroke, marks);
}

}  // namespace

std::string draw_curves(std::vector<Curve> curves, std::uint32_t k) {
  for (Curve& curve : curves) std::ranges::sort(curve.points, {}, &CurvePoint::bytes_per_row);
  const Axes axes = axes_of(curves);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"recall@{} against "
      "bytes a row\">\n{}{}",
      width, height, k, style, draw_axes(axes, k));
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const std::string_view colour = colours[i % colours.size()];
    const double y = top + 10 + 20 * static_cast<double>(i);
    out += draw_curve(curves[i], axes, colour);
    out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", right + 20, y, colour);
    out += text(right + 30, y + 4, "start", curves[i].name);
  }
  return out + "</svg>\n";
}

}  // namespace attar::cli
