#include "records/similarity_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "base/assert.h"

namespace meshchain::records {
namespace {

/// Below this a scan takes less time than preparing a query for the codes saves.
constexpr std::size_t codes_pay_from = 4096;
/// Rows at random places cost more than rows in order: from this share on all are scanned.
constexpr std::size_t share_of_rows_max = 5;
/// So many rows with the best scores are compared first, to know what the others must exceed.
constexpr std::size_t first_rows = 64;
constexpr std::size_t rows_a_scan = 1024;
/// So many are on their way from memory together.
constexpr std::size_t rows_refined_together = 8;

double inverse_length_of(const QueryRow& row) {
    std::int64_t squares = 0;
    for (const auto value : row.values) squares += std::int64_t{value} * value;
    MESH_ASSERT(squares > 0);
    return 1 / std::sqrt(static_cast<double>(squares));
}

FifthsRow fifths_of(const Embedding& embedding) {
    FifthsRow row;
    const auto raised = [&](std::size_t i) {
        const int fifth = embedding.fifths ? (*embedding.fifths)[i] : 0;
        return static_cast<unsigned>(fifth + Embedding::fifths_max);
    };
    for (std::size_t i = 0; i < FifthsRow::pairs; ++i) {
        row.values[i] = static_cast<std::uint8_t>(raised(i) | raised(FifthsRow::pairs + i) << 4);
    }
    return row;
}

Rotation::Vector numbers_of(const Embedding& embedding) {
    Rotation::Vector numbers;
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = embedding.number(i);
    return numbers;
}

/// An embedding again, but for its scale.
Embedding embedding_of(const EmbeddingRow& row, const FifthsRow& fifths) {
    Embedding embedding;
    embedding.values = row.values;
    auto& all = embedding.fifths.emplace();
    for (std::size_t i = 0; i < FifthsRow::pairs; ++i) {
        const int pair = fifths.values[i];
        all[i] = static_cast<std::int8_t>((pair & 0x0F) - Embedding::fifths_max);
        all[FifthsRow::pairs + i] = static_cast<std::int8_t>((pair >> 4) - Embedding::fifths_max);
    }
    return embedding;
}

}  // namespace

std::expected<SimilarityQuery, base::Error> SimilarityQuery::of(std::span<const float> numbers) {
    MESH_TRY(const float largest, largest_magnitude(numbers));
    const double steps = query_value_max / double{largest};
    SimilarityQuery query;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        query.row_.values[i] = static_cast<std::int16_t>(std::lround(numbers[i] * steps));
    }
    query.inverse_length_ = inverse_length_of(query.row_);
    return query;
}

SimilarityQuery::SimilarityQuery(const Embedding& embedding) {
    // As many for the units of an embedding as there is room for: fifths, or whole values.
    const int unit = embedding.fifths ? 1 : 5;
    const int step = query_value_max * unit / (5 * Embedding::value_max);
    for (std::size_t i = 0; i < Embedding::dimensions; ++i) {
        row_.values[i] = static_cast<std::int16_t>(embedding.number(i) / unit * step);
    }
    inverse_length_ = inverse_length_of(row_);
}

/// The best matches so far, at most as many as wanted.
class SimilarityIndex::Best {
public:
    Best(const Wanted& wanted, std::size_t size)
        : wanted_(wanted), count_(std::min(wanted.count, size)) {
        heap_.reserve(count_);
    }

    /// What a match must have at least to be among them.
    float bound() const { return is_full() ? heap_.front().similarity : wanted_.similarity_min; }

    void offer(const Match& match) {
        if (!(match.similarity >= bound())) return;
        if (is_full() && !is_better(match, heap_.front())) return;
        if (wanted_.accept && !wanted_.accept(match.id)) return;
        if (is_full()) {
            std::ranges::pop_heap(heap_, is_better);
            heap_.pop_back();
        }
        heap_.push_back(match);
        std::ranges::push_heap(heap_, is_better);
    }

    void clear() { heap_.clear(); }

    std::vector<Match> take() {
        std::ranges::sort_heap(heap_, is_better);
        return std::move(heap_);
    }

private:
    static bool is_better(const Match& a, const Match& b) {
        return a.similarity != b.similarity ? a.similarity > b.similarity : a.id < b.id;
    }
    bool is_full() const { return heap_.size() == count_; }

    const Wanted& wanted_;
    std::size_t count_;
    std::vector<Match> heap_;  ///< the worst of them in front
};

SimilarityIndex::SimilarityIndex(std::size_t capacity, std::uint64_t seed)
    : capacity_(capacity), rotation_(seed) {
    MESH_ASSERT(capacity <= std::numeric_limits<std::uint32_t>::max());
}

std::expected<void, base::Error> SimilarityIndex::insert(Id id, const Embedding& embedding) {
    if (contains(id)) {
        return base::failure(base::Errc::exists, "id " + std::to_string(id) + " is there already",
                             "similarity index", "erase it first");
    }
    if (size() == capacity_) {
        return base::failure(base::Errc::full,
                             "it holds " + std::to_string(capacity_) + " embeddings already",
                             "similarity index", "erase some, or make it larger");
    }
    const std::size_t slot = size();
    make_room();
    lengths_.push_back(lengths_of(embedding));
    rows_.push_back({embedding.values});
    fifths_.push_back(fifths_of(embedding));
    ids_.push_back(id);
    if (slot % rows_a_block == 0) {
        codes_.emplace_back();
        corrections_.emplace_back();
    }
    set_code(slot, rotation_.code(numbers_of(embedding)));
    slots_.emplace(id, static_cast<std::uint32_t>(slot));
    return {};
}

/// By a fifth, and not beyond what it may ever hold: of one array at a time there are two copies.
void SimilarityIndex::make_room() {
    constexpr std::size_t rows_min = 64;
    if (size() < rows_.capacity()) return;
    const std::size_t rows = std::min(capacity_, std::max(rows_min, size() + size() / 5));
    lengths_.reserve(rows);
    rows_.reserve(rows);
    fifths_.reserve(rows);
    ids_.reserve(rows);
    const std::size_t blocks = (rows + rows_a_block - 1) / rows_a_block;
    codes_.reserve(blocks);
    corrections_.reserve(blocks);
}

bool SimilarityIndex::erase(Id id) {
    const auto found = slots_.find(id);
    if (found == slots_.end()) return false;
    const std::size_t slot = found->second;
    slots_.erase(found);
    const std::size_t last = size() - 1;
    if (slot != last) {
        slots_[ids_[last]] = static_cast<std::uint32_t>(slot);
        ids_[slot] = ids_[last];
        rows_[slot] = rows_[last];
        fifths_[slot] = fifths_[last];
        lengths_[slot] = lengths_[last];
        set_code(slot, code_at(last));
    }
    ids_.pop_back();
    rows_.pop_back();
    fifths_.pop_back();
    lengths_.pop_back();
    if (last % rows_a_block == 0) {
        codes_.pop_back();
        corrections_.pop_back();
    }
    return true;
}

void SimilarityIndex::set_code(std::size_t slot, const OneBitCode& code) {
    const std::size_t row = slot % rows_a_block;
    CodeBlock& block = codes_[slot / rows_a_block];
    for (std::size_t i = 0; i < code_bytes; ++i) {
        block.columns[i][code_column(row)] = code.bits[i];
    }
    corrections_[slot / rows_a_block].values[row] = code.correction;
}

OneBitCode SimilarityIndex::code_at(std::size_t slot) const {
    const std::size_t row = slot % rows_a_block;
    const CodeBlock& block = codes_[slot / rows_a_block];
    OneBitCode code;
    for (std::size_t i = 0; i < code_bytes; ++i) {
        code.bits[i] = block.columns[i][code_column(row)];
    }
    code.correction = corrections_[slot / rows_a_block].values[row];
    return code;
}

std::vector<SimilarityIndex::Match> SimilarityIndex::search(const SimilarityQuery& query,
                                                            const Wanted& wanted,
                                                            Effort* effort) const {
    if (wanted.count == 0 || size() == 0) return {};
    Best best(wanted, size());
    Effort done;
    if (size() < codes_pay_from || !search_by_codes(query, wanted, best, done)) {
        best.clear();
        scan(query, best, done);
        done.scanned_all = true;
    }
    if (effort != nullptr) *effort = done;
    return best.take();
}

std::vector<SimilarityIndex::Match> SimilarityIndex::search_all(const SimilarityQuery& query,
                                                                const Wanted& wanted) const {
    if (wanted.count == 0 || size() == 0) return {};
    Best best(wanted, size());
    Effort done;
    scan(query, best, done);
    return best.take();
}

SimilarityIndex::RowLengths SimilarityIndex::lengths_of(const Embedding& embedding) {
    std::int64_t squares = 0;
    std::int64_t squares_of_fifths = 0;
    for (std::size_t i = 0; i < Embedding::dimensions; ++i) {
        const std::int64_t number = embedding.number(i);
        const std::int64_t fifth = number - 5 * embedding.values[i];
        squares += number * number;
        squares_of_fifths += fifth * fifth;
    }
    MESH_ASSERT(squares > 0);
    const double inverse = 1 / std::sqrt(static_cast<double>(squares));
    // A little more, for what the arithmetic itself is rounded.
    constexpr double rounded = 1 + 1e-9;
    return {inverse, std::sqrt(static_cast<double>(squares_of_fifths)) * inverse * rounded};
}

float SimilarityIndex::similarity(const SimilarityQuery& query, std::size_t slot,
                                  std::int64_t product, double more) const {
    const double cosine =
        static_cast<double>(product) * (lengths_[slot].inverse * query.inverse_length());
    return static_cast<float>(std::clamp(cosine + more, -1.0, 1.0));
}

void SimilarityIndex::consider(const SimilarityQuery& query, std::size_t slot, std::int32_t product,
                               float bound, std::vector<Candidate>& candidates) const {
    // Cauchy and Schwarz: no product with the query is larger than the product of the lengths.
    const float most =
        similarity(query, slot, 5 * std::int64_t{product}, lengths_[slot].fifths_share);
    if (most >= bound) candidates.push_back({most, static_cast<std::uint32_t>(slot), product});
}

void SimilarityIndex::refine(const SimilarityQuery& query, std::span<Candidate> candidates,
                             Best& best, Effort& effort) const {
    // The most promising first: they raise the bound that rules out the others.
    std::ranges::sort(candidates, std::ranges::greater(), &Candidate::similarity_max);
    std::array<std::uint32_t, rows_refined_together> slots;
    std::array<std::int32_t, rows_refined_together> products;
    while (!candidates.empty() && candidates.front().similarity_max >= best.bound()) {
        const auto some = candidates.first(std::min(slots.size(), candidates.size()));
        std::ranges::transform(some, slots.begin(), &Candidate::slot);
        fifth_products_at(query.row(), fifths_, std::span(slots).first(some.size()), products);
        for (std::size_t i = 0; i < some.size(); ++i) {
            const std::int64_t product = 5 * std::int64_t{some[i].product} + products[i];
            best.offer({ids_[slots[i]], similarity(query, slots[i], product)});
        }
        effort.rows_refined += some.size();
        candidates = candidates.subspan(some.size());
    }
}

void SimilarityIndex::scan(const SimilarityQuery& query, Best& best, Effort& effort) const {
    std::array<std::int32_t, rows_a_scan> products;
    std::vector<Candidate> candidates;
    for (std::size_t start = 0; start < size(); start += rows_a_scan) {
        const auto rows = std::span(rows_).subspan(start, std::min(rows_a_scan, size() - start));
        dot_products(query.row(), rows, products);
        candidates.clear();
        const float bound = best.bound();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            consider(query, start + i, products[i], bound, candidates);
        }
        refine(query, candidates, best, effort);
    }
    effort.rows_compared += size();
}

void SimilarityIndex::compare(const SimilarityQuery& query, std::span<const std::uint32_t> slots,
                              Best& best, Effort& effort) const {
    std::array<std::int32_t, rows_a_scan> products;
    std::vector<Candidate> candidates;
    effort.rows_compared += slots.size();
    while (!slots.empty()) {
        const auto some = slots.first(std::min(rows_a_scan, slots.size()));
        dot_products_at(query.row(), rows_, some, products);
        candidates.clear();
        const float bound = best.bound();
        for (std::size_t i = 0; i < some.size(); ++i) {
            consider(query, some[i], products[i], bound, candidates);
        }
        refine(query, candidates, best, effort);
        slots = slots.subspan(some.size());
    }
}

namespace {

/// The highest score below `high` that at least `count` rows reach, or a little less; never below
/// `floor`.
std::int16_t score_reached_by(std::span<const RowNumbers> scores, std::size_t count, int floor,
                              int high) {
    int low = floor;
    while (low + 1 < high) {
        const int middle = low + (high - low) / 2;
        const std::size_t reached = count_scores(scores, static_cast<std::int16_t>(middle));
        (reached < count ? high : low) = middle;
        if (reached >= count && reached <= 2 * count) break;
    }
    return static_cast<std::int16_t>(low);
}

}  // namespace

/// False: the codes rule out too few.
bool SimilarityIndex::search_by_codes(const SimilarityQuery& query, const Wanted& wanted,
                                      Best& best, Effort& effort) const {
    const std::size_t rows_max = size() / share_of_rows_max;
    std::size_t count = std::max(first_rows, std::min(size(), 2 * wanted.count));
    if (count > rows_max && wanted.similarity_min <= 0) return false;
    const CodeQuery codes(rotation_, query.row());
    const auto scores = std::make_unique_for_overwrite<RowNumbers[]>(codes_.size());
    const std::span<RowNumbers> all(scores.get(), codes_.size());
    code_scores(codes.table(), codes_, corrections_, all);

    // Compare the rows with the best scores, then see how far down the others may still be hidden.
    std::vector<std::uint32_t> slots;
    std::int16_t high = std::numeric_limits<std::int16_t>::max();
    std::int16_t floor = codes.score_of(best.bound());
    while (high > floor) {
        const std::int16_t low = score_reached_by(all, count, floor, high);
        const std::size_t reached = count_scores(all, low);
        if (reached > rows_max) return false;
        slots.resize(reached);
        slots.resize(find_scores(all, low, high, slots));
        std::erase_if(slots, [&](std::uint32_t slot) { return slot >= size(); });  // filled up
        compare(query, slots, best, effort);
        high = low;
        floor = codes.score_of(best.bound());
        count *= 8;
    }
    return true;
}

void SimilarityIndex::check_invariants() const {
    MESH_ASSERT(size() <= capacity_ && slots_.size() == size());
    MESH_ASSERT(rows_.size() == size() && fifths_.size() == size() && lengths_.size() == size());
    const std::size_t blocks = (size() + rows_a_block - 1) / rows_a_block;
    MESH_ASSERT(codes_.size() == blocks && corrections_.size() == blocks);
    for (const auto& [id, slot] : slots_) {
        MESH_ASSERT(slot < size() && ids_[slot] == id);
        const Embedding embedding = embedding_of(rows_[slot], fifths_[slot]);
        MESH_ASSERT(lengths_[slot] == lengths_of(embedding));
        const OneBitCode code = code_at(slot);
        const OneBitCode right = rotation_.code(numbers_of(embedding));
        MESH_ASSERT(code.bits == right.bits && code.correction == right.correction);
    }
}

}  // namespace meshchain::records
