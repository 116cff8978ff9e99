#pragma once
// Finds the records whose embeddings are most similar to a query, among all of them.
//
// Small indexes are scanned whole. In larger ones the one-bit codes of all records are looked at
// (64 bytes each instead of 512), and of the records themselves those that the best ones found so
// far do not rule out by the codes. Which these are follows from the geometry (one_bit_code.h):
// each record of the result is missed with a probability of at most one in 700, whatever the data.
// Where that would be too many of the records, all are scanned: then nothing is missed.
//
// Records are compared by their bytes. How much their fifths (embedding.h) may add to a cosine has
// a bound, so of those that might then belong to the result, and of no others, the fifths are
// looked at too: what is found is what comparing all numbers of these records would find.
//
// Time:      a search reads all codes, at worst all records too; insert and erase are logarithmic.
// Memory:    about 900 bytes a record, half as much more while it grows, and at most 1450 for each
//            of `capacity`.
// Ownership: what is handed in is copied.
// Limits:    `capacity` records.
// Threads:   searches may run side by side; nothing else may.
// Errors:    inserting what exists, or more than there is room for, changes nothing.

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "records/embedding.h"
#include "records/one_bit_code.h"
#include "records/similarity_kernels.h"

namespace meshchain::records {

/// What is looked for.
class SimilarityQuery {
public:
    /// Errors: as `quantise`. Finer than an embedding: searches by numbers find the better ones.
    static std::expected<SimilarityQuery, base::Error> of(std::span<const float> numbers);
    explicit SimilarityQuery(const Embedding& embedding);

    const QueryRow& row() const { return row_; }
    double inverse_length() const { return inverse_length_; }

private:
    SimilarityQuery() = default;

    QueryRow row_{};
    double inverse_length_ = 0;
};

class SimilarityIndex {
public:
    using Id = std::uint64_t;
    /// Whether a record may be in the result.
    using Accept = std::function<bool(Id)>;

    struct Match {
        Id id = 0;
        float similarity = 0;  ///< cosine
        friend bool operator==(const Match&, const Match&) = default;
    };

    struct Wanted {
        std::size_t count = 10;
        float similarity_min = -1;
        Accept accept = {};  ///< all, if empty
    };

    /// What a search did, for those who watch it.
    struct Effort {
        std::size_t rows_compared = 0;
        std::size_t rows_refined = 0;  ///< of them, compared by their fifths too
        bool scanned_all = false;
    };

    /// Whoever makes records must not know the seed: it decides which records are missed.
    SimilarityIndex(std::size_t capacity, std::uint64_t seed);

    /// Errors: exists, full. Asserts that the embedding is canonical.
    std::expected<void, base::Error> insert(Id id, const Embedding& embedding);
    /// Whether it was there.
    bool erase(Id id);

    bool contains(Id id) const { return slots_.contains(id); }
    std::size_t size() const { return ids_.size(); }
    std::size_t capacity() const { return capacity_; }

    /// The most similar records, best first, the lower id first among equals.
    std::vector<Match> search(const SimilarityQuery& query, const Wanted& wanted,
                              Effort* effort = nullptr) const;
    /// The same, and never misses one: compares with every record.
    std::vector<Match> search_all(const SimilarityQuery& query, const Wanted& wanted) const;

    void check_invariants() const;

private:
    class Best;
    struct RowLengths {
        double inverse = 0;       ///< of the numbers, in fifths
        double fifths_share = 0;  ///< of their length: the most that fifths add to a cosine
        friend bool operator==(const RowLengths&, const RowLengths&) = default;
    };
    static RowLengths lengths_of(const Embedding& embedding);
    /// A record that belongs to the result if its fifths add what they may add at most.
    struct Candidate {
        float similarity_max;
        std::uint32_t slot;
        std::int32_t product;
    };
    /// `product`: in fifths. `more`: what is to be added to the cosine.
    float similarity(const SimilarityQuery& query, std::size_t slot, std::int64_t product,
                     double more = 0) const;
    void consider(const SimilarityQuery& query, std::size_t slot, std::int32_t product, float bound,
                  std::vector<Candidate>& candidates) const;
    void refine(const SimilarityQuery& query, std::span<Candidate> candidates, Best& best,
                Effort& effort) const;
    void scan(const SimilarityQuery& query, Best& best, Effort& effort) const;
    void compare(const SimilarityQuery& query, std::span<const std::uint32_t> slots, Best& best,
                 Effort& effort) const;
    bool search_by_codes(const SimilarityQuery& query, const Wanted& wanted, Best& best,
                         Effort& effort) const;
    void make_room();
    void set_code(std::size_t slot, const OneBitCode& code);
    OneBitCode code_at(std::size_t slot) const;

    std::size_t capacity_;
    Rotation rotation_;
    std::map<Id, std::uint32_t> slots_;
    // By slot; the last record moves into the slot of one that is erased.
    std::vector<Id> ids_;
    std::vector<EmbeddingRow> rows_;
    std::vector<FifthsRow> fifths_;
    std::vector<RowLengths> lengths_;
    std::vector<CodeBlock> codes_;
    std::vector<RowNumbers> corrections_;
};

}  // namespace meshchain::records
