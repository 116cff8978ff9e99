#pragma once
// The name of a component, as events and tasks carry it: a string literal, so that it is one
// pointer and outlives everything.

#include <string_view>

namespace meshchain::runtime {

class Source {
public:
    constexpr Source() = default;
    consteval Source(const char* literal) : name_(literal) {}  // implicit: Source is its name
    constexpr std::string_view name() const { return name_; }
    friend constexpr bool operator==(Source a, Source b) { return a.name() == b.name(); }

private:
    const char* name_ = "";
};

}  // namespace meshchain::runtime
