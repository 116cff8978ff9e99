#include "mesh/air.h"

namespace meshchain::mesh {
namespace {

/// Until what was said is heard by who asked for it.
constexpr int packets_of_answer = 6;

}  // namespace

void AirSpeaker::note_hops(base::Instant now, std::optional<std::uint8_t> heard,
                           base::Duration memory) {
    const std::uint8_t far = heard.value_or(UINT8_MAX);
    far_in_a_row = far == 0 ? 0 : far_in_a_row + 1;
    if (far > hops && now < hops_at + memory) return;
    hops = far;
    hops_at = now;
}

AirSpeaker& AirSpeakers::note(base::Instant now, const crypto::PublicKey& key) {
    const auto [at, is_new] = speakers_.try_emplace(key);
    if (is_new) {
        at->second.first_heard = now;
        if (!validator_keys_.contains(key)) ++others_;
    }
    return at->second;
}

std::optional<crypto::PublicKey> AirSpeakers::displaced_by(const crypto::PublicKey& key) const {
    if (speakers_.contains(key) || validator_keys_.contains(key) || others_ < others_max) {
        return std::nullopt;
    }
    std::optional<crypto::PublicKey> oldest;
    base::Instant heard = base::never;
    for (const auto& [other, speaker] : speakers_) {
        if (validator_keys_.contains(other) || speaker.last_heard >= heard) continue;
        oldest = other;
        heard = speaker.last_heard;
    }
    return oldest;
}

std::optional<crypto::PublicKey> AirSpeakers::at(std::size_t air, std::uint32_t radio) const {
    std::optional<crypto::PublicKey> found;
    base::Instant heard{};
    for (const auto& [key, speaker] : speakers_) {
        if (speaker.air != air || speaker.radio != radio || !speaker.said) continue;
        if (found && speaker.last_heard < heard) continue;
        found = key;
        heard = speaker.last_heard;
    }
    return found;
}

void AirSpeakers::forget(const crypto::PublicKey& key) {
    if (speakers_.erase(key) > 0 && !validator_keys_.contains(key)) --others_;
}

void AirSpeakers::set_validators(std::span<const ValidatorIdentity> validators) {
    key_of_id_.clear();
    validator_keys_.clear();
    for (const ValidatorIdentity& validator : validators) {
        key_of_id_.emplace(crypto::node_id(validator.key), validator.key);
        validator_keys_.insert(validator.key);
    }
    others_ = static_cast<std::size_t>(std::ranges::count_if(
        speakers_, [&](const auto& item) { return !validator_keys_.contains(item.first); }));
}

bool Air::is_said(base::Instant now, std::uint64_t id, const wire::Spoken& how) {
    const Word* word = recent.get(id);
    if (word == nullptr || how.again) return false;
    // What is ours to say is said, whoever echoes it.
    const base::Instant last = how.crowd == 0 ? word->said : std::max(word->said, word->heard);
    // Who has just asked for it did not hear it then.
    const base::Duration pause =
        how.hurried ? packets_of_answer * link->packet_time() : repeat_pause;
    return last != base::Instant{} && now - last < pause;
}

bool Air::is_its_own(std::uint64_t id) {
    const Word* word = recent.get(id);
    return word != nullptr && (word->is_ours || word->heard != base::Instant{});
}

void Air::note_said(base::Instant now, std::uint64_t id, bool is_ours) {
    const Word* known = recent.get(id);
    Word word = known == nullptr ? Word{} : *known;
    word.said = now;
    word.is_ours |= is_ours;
    recent.put(id, word);
}

void Air::note_heard(base::Instant now, std::uint64_t id) {
    const Word* known = recent.get(id);
    Word word = known == nullptr ? Word{} : *known;
    word.heard = now;
    recent.put(id, word);
}

}  // namespace meshchain::mesh
