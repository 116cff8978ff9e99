#pragma once
// What the demo shows while it runs: one line a step, and in a terminal a table of the nodes that
// is redrawn in place. Everything here is what the nodes say of themselves.

#include <span>
#include <string>
#include <string_view>

#include "meshchain/demo/demo_node.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {

class Screen {
public:
    /// Silent: nothing is shown (--json).
    explicit Screen(bool silent);

    /// A step begins or something happened.
    void say(std::string_view line);
    /// The nodes now, with a line about the payments. In a pipe nothing.
    void show(std::span<const DemoNode> nodes, std::string_view payments);

private:
    bool silent_;
    LiveText table_;
};

}  // namespace meshchain::app
