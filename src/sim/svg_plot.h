#pragma once
// A plot as SVG text that stands in a page by itself: axes with round numbers, lines with a legend,
// and marks for what happened. Colours come from the page's classes `s0` … `s6`.
//
// Limits: a few thousand points a line; the caller thins them out.
// Format: SVG 1.1, inline in HTML 5.

#include <string>
#include <utility>
#include <vector>

namespace meshchain::sim {

/// With the five characters that mean something in HTML written as entities.
std::string escape_html(std::string_view text);

struct Line {
    std::string name;
    std::vector<std::pair<double, double>> points;  ///< ascending by the first
    bool is_step = false;                           ///< the value holds until the next point
};

struct PlotMark {
    double x = 0;
    std::string text;  ///< shown where the pointer rests
};

struct Plot {
    std::string title;
    std::string x_unit;
    std::string y_unit;
    std::vector<Line> lines;  ///< six at most have a colour of their own
    std::vector<PlotMark> marks = {};
    double x_max = 0;  ///< at least; so that plots above each other share their axis
};

/// A `<figure>`. Without any point it says so instead of drawing axes.
std::string to_svg(const Plot& plot);

}  // namespace meshchain::sim
