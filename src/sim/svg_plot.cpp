#include "sim/svg_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace meshchain::sim {
namespace {

constexpr double width = 860;
constexpr double height = 240;
constexpr double left = 64;
constexpr double right = 12;
constexpr double top = 10;
constexpr double bottom = 36;
constexpr int ticks_about = 6;

std::string number(double value, const char* format = "%.1f") {
    char text[32];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

/// "0.5", "40", "20 k", "1.5 M".
std::string tick_text(double value) {
    if (value >= 1e6) return number(value / 1e6, "%.6g M");
    if (value >= 1e4) return number(value / 1e3, "%.6g k");
    return number(value, "%.6g");
}

/// 1, 2 or 5 times a power of ten, so that about ticks_about of them reach `max`.
double tick_step(double max) {
    const double rough = max / ticks_about;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (rough <= factor * power) return factor * power;
    }
    return 10 * power;
}

class Canvas {
public:
    explicit Canvas(const Plot& plot) : plot_(plot), x_max_(plot.x_max) {
        for (const Line& line : plot.lines) {
            for (const auto& [x, y] : line.points) {
                x_max_ = std::max(x_max_, x);
                y_max_ = std::max(y_max_, y);
            }
        }
        if (x_max_ <= 0) x_max_ = 1;
        if (y_max_ <= 0) y_max_ = 1;
        y_max_ *= 1.05;
    }

    std::string draw() const {
        std::string text = "<svg viewBox=\"0 0 " + number(width, "%.0f") + " " +
                           number(height, "%.0f") + "\" role=\"img\" aria-label=\"" +
                           escape_html(plot_.title) + "\">\n";
        text += ticks() + marks();
        for (std::size_t i = 0; i < plot_.lines.size(); ++i) text += path(plot_.lines[i], i);
        return text + "</svg>\n";
    }

private:
    double x_at(double x) const { return left + (width - left - right) * x / x_max_; }
    double y_at(double y) const { return height - bottom - (height - top - bottom) * y / y_max_; }

    static std::string label(double x, double y, std::string_view anchor, const std::string& text) {
        return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" +
               std::string(anchor) + "\">" + text + "</text>\n";
    }

    static std::string straight(std::string_view kind, double x1, double y1, double x2, double y2) {
        return "<line class=\"" + std::string(kind) + "\" x1=\"" + number(x1) + "\" y1=\"" +
               number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) + "\"";
    }

    std::string ticks() const {
        std::string text;
        const double y_step = tick_step(y_max_);
        for (int i = 0; i * y_step <= y_max_; ++i) {
            const double y = y_at(i * y_step);
            text += straight("grid", left, y, width - right, y) + "/>\n";
            text += label(left - 6, y + 4, "end", tick_text(i * y_step));
        }
        const double x_step = tick_step(x_max_);
        for (int i = 0; i * x_step <= x_max_; ++i) {
            text += label(x_at(i * x_step), height - bottom + 16, "middle", tick_text(i * x_step));
        }
        return text + label(width - right, height - 4, "end", escape_html(plot_.x_unit));
    }

    std::string marks() const {
        std::string text;
        for (const PlotMark& mark : plot_.marks) {
            const double x = x_at(mark.x);
            text += straight("mark", x, top, x, height - bottom) + "><title>" +
                    escape_html(mark.text) + "</title></line>\n";
        }
        return text;
    }

    std::string path(const Line& line, std::size_t index) const {
        if (line.points.empty()) return {};
        std::string text = "<path class=\"line s" + std::to_string(index % 7) + "\" d=\"";
        bool is_first = true;
        for (const auto& [x, y] : line.points) {
            const std::string at_x = number(x_at(x));
            if (!is_first && line.is_step) text += "H" + at_x;
            text += (is_first ? "M" : "L") + at_x + " " + number(y_at(y));
            is_first = false;
        }
        return text + "\"/>\n";
    }

    const Plot& plot_;
    double x_max_;
    double y_max_ = 0;
};

std::string legend(const Plot& plot) {
    std::string text = "<p class=\"legend\">";
    for (std::size_t i = 0; i < plot.lines.size(); ++i) {
        text += "<span class=\"key k" + std::to_string(i % 7) + "\"></span>" +
                escape_html(plot.lines[i].name) + " ";
    }
    return text + "</p>\n";
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string escaped;
    for (const char letter : text) {
        switch (letter) {
            case '&': escaped += "&amp;"; break;
            case '<': escaped += "&lt;"; break;
            case '>': escaped += "&gt;"; break;
            case '"': escaped += "&quot;"; break;
            case '\'': escaped += "&#39;"; break;
            default: escaped += letter;
        }
    }
    return escaped;
}

std::string to_svg(const Plot& plot) {
    std::string text = "<figure>\n<figcaption>" + escape_html(plot.title) + " <small>" +
                       escape_html(plot.y_unit) + "</small></figcaption>\n";
    const bool is_empty =
        std::ranges::all_of(plot.lines, [](const Line& line) { return line.points.empty(); });
    if (is_empty) return text + "<p>Nothing to show.</p>\n</figure>\n";
    return text + Canvas(plot).draw() + legend(plot) + "</figure>\n";
}

}  // namespace meshchain::sim
