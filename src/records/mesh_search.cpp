#include "records/mesh_search.h"

#include <algorithm>

namespace meshchain::records {

void MeshSearch::begin(base::Instant now, std::uint64_t number, const SearchQuestion& question,
                       const std::vector<crypto::PublicKey>& asked,
                       const std::vector<SearchHit>& own, std::uint32_t searched) {
    if (searches_.size() >= searches_max) searches_.pop_front();
    searches_.push_back({.number = number,
                         .deadline = now + std::chrono::milliseconds(question.patience_ms),
                         .count = question.query.count,
                         .asked = {asked.begin(), asked.end()},
                         .by_similarity = question.query.like.has_value(),
                         .hits = {},
                         .heard = {},
                         .searched = searched});
    merge(searches_.back(), own);
}

/// One record counts once, whoever names it.
void MeshSearch::merge(Search& search, const std::vector<SearchHit>& hits) {
    for (const SearchHit& hit : hits) {
        if (std::ranges::find(search.hits, hit.id, &SearchHit::id) == search.hits.end()) {
            search.hits.push_back(hit);
        }
    }
    std::ranges::sort(search.hits, [&](const SearchHit& a, const SearchHit& b) {
        if (search.by_similarity && a.similarity != b.similarity)
            return a.similarity > b.similarity;
        return a.stamp_ms != b.stamp_ms ? a.stamp_ms > b.stamp_ms : a.id < b.id;
    });
    search.hits.resize(std::min(search.hits.size(), search.count));
}

bool MeshSearch::handle_answer(base::Instant now, const crypto::PublicKey& from,
                               const SearchAnswer& answer) {
    const auto search = std::ranges::find(searches_, answer.number, &Search::number);
    if (search == searches_.end() || !search->asked.contains(from)) return false;
    if (now > search->deadline) {
        ++search->late;
        return true;
    }
    const auto [place, is_first] = search->heard.try_emplace(from);
    Parts& parts = place->second;
    // Who has said everything says nothing more, and nothing after what it called the last.
    if (parts.is_whole() || (parts.last && answer.part > *parts.last) ||
        !parts.heard.insert(answer.part).second) {
        return false;
    }
    if (answer.last && !parts.last) parts.last = answer.part;
    if (is_first) search->searched += answer.searched;
    merge(*search, answer.hits);
    search->answered += parts.is_whole();
    return true;
}

std::optional<SearchView> MeshSearch::view(base::Instant now, std::uint64_t number) const {
    const auto search = std::ranges::find(searches_, number, &Search::number);
    if (search == searches_.end()) return std::nullopt;
    return SearchView{.number = number,
                      .done = now > search->deadline || search->answered >= search->asked.size(),
                      .hits = search->hits,
                      .asked = search->asked.size(),
                      .answered = search->answered,
                      .late = search->late,
                      .searched = search->searched};
}

}  // namespace meshchain::records
