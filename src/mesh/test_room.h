#pragma once
// A medium that everybody hears, for tests of the mesh on it.

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {

using namespace std::chrono_literals;
using wire::MessageType;

/// Everybody's radios in one room: nothing gets lost, and everything takes half a second.
class Room {
public:
    struct Spoken {
        std::size_t speaker;
        wire::FrameHeader header;
        base::Buffer payload;
        std::optional<wire::Addressee> to = std::nullopt;
        wire::Spoken how = {};
    };

    class Radio final : public wire::AirLink {
    public:
        Radio(Room& room, std::size_t number) : room_(room), number_(number) {}
        std::expected<void, base::Error> send(base::Instant now, const wire::MessageRule& rule,
                                              const wire::FrameHeader& header, base::Bytes payload,
                                              const wire::Spoken& how) override {
            EXPECT_TRUE(rule.on_radio);
            EXPECT_EQ(rule.type, header.type);
            // As on the air: an object has no header but type and hops.
            wire::FrameHeader carried = header;
            if (rule.message_class != wire::MessageClass::control) {
                carried = {.type = header.type, .sender = {}, .hop_limit = header.hop_limit};
            }
            if (refuses) return base::failure(base::Errc::unavailable, "no air", "room");
            Spoken spoken{number_, carried, base::to_buffer(payload), how.to, how};
            if (how.after.value_or(base::Duration{}) > base::Duration{}) {
                waiting_.emplace_back(now + *how.after, std::move(spoken));
            } else {
                room_.speak(now, spoken);
            }
            return {};
        }
        base::Instant free_at(base::Instant now, const wire::MessageRule&,
                              std::size_t) const override {
            return std::max(now, busy_until);
        }
        base::Duration packet_time() const override { return 100ms; }
        base::Duration patience() const override { return 5min; }
        std::optional<wire::HeardFrame> receive(base::Instant now) override {
            if (arriving_.empty() || arriving_.front().first > now) return std::nullopt;
            borrowed_ = std::move(arriving_.front().second);
            arriving_.pop_front();
            std::erase_if(waiting_, [&](const auto& item) {
                return item.second.payload == borrowed_.payload;
            });
            return wire::HeardFrame{.radio = static_cast<std::uint32_t>(borrowed_.speaker),
                                    .to = borrowed_.to,
                                    .hops = room_.hops(borrowed_.speaker),
                                    .frame = {borrowed_.header, borrowed_.payload}};
        }
        base::Instant poll_timeout() const override {
            base::Instant next = arriving_.empty() ? base::never : arriving_.front().first;
            for (const auto& [at, spoken] : waiting_) next = std::min(next, at);
            return next;
        }
        void handle_timeout(base::Instant now) override {
            std::erase_if(waiting_, [&](const auto& item) {
                if (item.first > now) return false;
                room_.speak(now, item.second);
                return true;
            });
        }

        bool refuses = false;
        base::Instant busy_until{};

    private:
        friend class Room;
        Room& room_;
        std::size_t number_;
        std::deque<std::pair<base::Instant, Spoken>> arriving_;
        /// What others may say first.
        std::vector<std::pair<base::Instant, Spoken>> waiting_;
        Spoken borrowed_{};
    };

    Radio* add() {
        radios_.push_back(std::make_unique<Radio>(*this, radios_.size()));
        return radios_.back().get();
    }
    /// By a radio of the room, or by a stranger's with a number of its own.
    void speak(base::Instant now, const Spoken& spoken) {
        log.push_back(spoken);
        if (is_lost(spoken)) return;
        for (std::size_t i = 0; i < radios_.size(); ++i) {
            if (i != spoken.speaker) radios_[i]->arriving_.emplace_back(now + 500ms, spoken);
        }
    }
    Radio& radio(std::size_t number) { return *radios_.at(number); }
    std::size_t count(MessageType type) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            log, [&](const Spoken& spoken) { return spoken.header.type == type; }));
    }

    /// Relays that its packets pass, as all hear; nothing: they do not say.
    void set_hops(std::size_t speaker, std::optional<std::uint8_t> hops) { hops_[speaker] = hops; }

    std::vector<Spoken> log;
    /// Nobody hears it.
    std::function<bool(const Spoken&)> is_lost = [](const Spoken&) { return false; };

private:
    std::optional<std::uint8_t> hops(std::size_t speaker) const {
        const auto found = hops_.find(speaker);
        return found == hops_.end() ? 0 : found->second;
    }

    std::vector<std::unique_ptr<Radio>> radios_;
    std::map<std::size_t, std::optional<std::uint8_t>> hops_;
};

/// Nodes with radios in a room, and a network that connects nobody unless a test says so.
class AirTest : public testing::Test {
protected:
    static constexpr std::size_t stranger = 99;

    AirTest() { network_.connect_only({}); }

    Options options() const {
        Options options;
        options.validators = {{key_of(1).public_key(), wire::Amount{10}},
                              {key_of(2).public_key(), wire::Amount{10}},
                              {key_of(3).public_key(), wire::Amount{10}}};
        return options;
    }
    /// The first three are validators.
    Node& add(std::uint8_t number, bool has_radio = true) {
        nodes_.push_back(std::make_unique<Node>(
            network_, Node::Setup{.key = number,
                                  .port = number,
                                  .options = options(),
                                  .role = number <= 3 ? wire::Role::validator : wire::Role::relay,
                                  .air = has_radio ? room_.add() : nullptr}));
        return *nodes_.back();
    }
    void send(Node& from, MessageType type, std::string_view content) {
        const auto sent = from.mesh().send(
            network_.now(), {.type = type, .payload = base::to_buffer(base::as_bytes(content))});
        EXPECT_TRUE(sent.has_value());
    }
    void say(MessageType type, std::string_view content, std::size_t speaker = stranger) {
        room_.speak(network_.now().instant, {speaker,
                                             {.type = type, .sender = {}, .hop_limit = 3},
                                             base::to_buffer(base::as_bytes(content))});
    }
    static std::size_t heard(Node& node, std::string_view content) {
        return node.handler().count(base::as_bytes(content));
    }

    Room room_;
    Network network_{5};
    std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace meshchain::mesh::test
