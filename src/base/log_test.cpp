#include "base/log.h"

#include <vector>

#include <gtest/gtest.h>

namespace meshchain::base {
namespace {

class LinesFrom final : public LogSink {
public:
    explicit LinesFrom(LogLevel least) : least_(least) {}
    bool wants(LogLevel level, std::string_view module) const override {
        return level >= least_ && module != "noisy";
    }
    void write(LogLevel level, std::string_view module, std::string_view line,
               LogFields fields) override {
        lines.push_back(std::string(name(level)) + " " + std::string(module) + " " +
                        std::string(line));
        for (const LogField& field : fields) {
            const auto* text = std::get_if<std::string_view>(&field.value);
            lines.back() +=
                " " + std::string(field.name) + "=" +
                (text ? std::string(*text) : std::to_string(std::get<std::uint64_t>(field.value)));
        }
    }

    std::vector<std::string> lines;

private:
    LogLevel least_;
};

TEST(Log, WithoutASink_DropsEveryLine) {
    const Log log;
    EXPECT_FALSE(log.wants(LogLevel::error));
    log.error("nobody listens");
}

TEST(Log, LineThatTheSinkDoesNotWant_IsNotWritten) {
    LinesFrom sink(LogLevel::warning);
    const Log log(&sink, "mesh");
    log.debug("a");
    log.info("b");
    log.warning("c");
    log.error("d");
    log.for_module("noisy").error("e");
    EXPECT_EQ(sink.lines, (std::vector<std::string>{"WARNING mesh c", "ERROR mesh d"}));
}

TEST(Log, Fields_ReachTheSinkAsTheyAre) {
    LinesFrom sink(LogLevel::debug);
    Log(&sink, "node").info("peer lost", {{"peer", "00ff"}, {"peers", 3U}});
    EXPECT_EQ(sink.lines, (std::vector<std::string>{"INFO node peer lost peer=00ff peers=3"}));
}

TEST(Log, ForModule_KeepsTheSink) {
    LinesFrom sink(LogLevel::debug);
    Log(&sink, "node").for_module("chain").debug("tip 7");
    EXPECT_EQ(sink.lines, (std::vector<std::string>{"DEBUG chain tip 7"}));
}

}  // namespace
}  // namespace meshchain::base
