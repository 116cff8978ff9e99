#pragma once
// Searches of ours that others take part in (row G3): what has come in, merged and ranked, and who
// has answered.
//
// Limits: `searches_max` at a time, the oldest goes; of each at most `count` results. A search ends
//         at its deadline; what comes later is counted.

#include <deque>
#include <map>
#include <set>

#include "records/search_message.h"
#include "wire/service.h"

namespace meshchain::records {

struct SearchView {
    std::uint64_t number = 0;
    bool done = false;  ///< the deadline has come, or all within reach have answered
    std::vector<SearchHit> hits;
    std::size_t asked = 0;       ///< nodes within reach when it began, without this one
    std::size_t answered = 0;    ///< of them
    std::size_t late = 0;        ///< answers that came after the deadline
    std::uint64_t searched = 0;  ///< entries looked through, in all
};

class MeshSearch {
public:
    static constexpr std::size_t searches_max = 32;

    /// Begins one with what was found here.
    void begin(base::Instant now, std::uint64_t number, const SearchQuestion& question,
               const std::vector<crypto::PublicKey>& asked, const std::vector<SearchHit>& own,
               std::uint32_t searched);
    /// False when it is no answer to a search that is known, or of nobody who was asked.
    bool handle_answer(base::Instant now, const crypto::PublicKey& from,
                       const SearchAnswer& answer);
    /// Nothing for a number that is not known any more.
    std::optional<SearchView> view(base::Instant now, std::uint64_t number) const;

private:
    /// Of one node's answer.
    struct Parts {
        std::set<std::uint8_t> heard{};
        std::optional<std::uint8_t> last{};
        bool is_whole() const { return last && heard.size() == *last + 1U; }
    };
    struct Search {
        std::uint64_t number;
        base::Instant deadline;
        std::size_t count;
        std::set<crypto::PublicKey> asked;
        bool by_similarity;
        std::vector<SearchHit> hits;
        std::map<crypto::PublicKey, Parts> heard;
        std::size_t answered = 0;  ///< who has said everything
        std::size_t late = 0;
        std::uint64_t searched = 0;
    };
    static void merge(Search& search, const std::vector<SearchHit>& hits);

    std::deque<Search> searches_;
};

}  // namespace meshchain::records
