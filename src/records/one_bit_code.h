#pragma once
// One bit for each dimension of an embedding, from which the cosine with a query can be estimated
// with an error whose size is known. A search looks at the codes of all records, and at the records
// themselves only where the estimate does not rule them out.
//
// Vectors are rotated at random, and the code is the signs. Whatever the records are about, a
// rotation that was not known to who made them spreads them evenly over all directions; so the
// error is one of the geometry alone: normal, of known deviation, and it needs no sample of the
// records. The rotation is three times "flip signs at random, then Hadamard transform", in
// integers.
//
// Source:    Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error
//            Bound for Approximate Nearest Neighbor Search" (2024); for the rotation, Andoni et
//            al., "Practical and Optimal LSH for Angular Distance" (2015).
// Time:      a code takes some 14 000 additions.
// Ownership: values; what is handed in is read before the call returns.

#include <array>
#include <cstdint>

#include "records/similarity_kernels.h"

namespace meshchain::records {

struct OneBitCode {
    std::array<std::uint8_t, code_bytes> bits{};
    /// What a score is multiplied with (15 bits behind the point), as no row is equally far from
    /// its code.
    std::int16_t correction = 0;
};

class Rotation {
public:
    using Vector = std::array<std::int32_t, Embedding::dimensions>;

    /// The same seed gives the same rotation, on every machine.
    explicit Rotation(std::uint64_t seed);

    /// Rotates `vector`, which becomes 512^1.5 times as long. None of its values may be larger than
    /// query_value_max: so it stays within 32 bits.
    void apply(Vector& vector) const;
    /// Of a row that is not rotated yet, to which the same limit applies.
    OneBitCode code(Vector row) const;

private:
    static constexpr std::size_t rounds = 3;
    std::array<Vector, rounds> signs_;  ///< 1 or -1
};

/// A query, prepared to estimate its cosine with rows by their codes.
class CodeQuery {
public:
    CodeQuery(const Rotation& rotation, const QueryRow& query);

    const ScoreTable& table() const { return table_; }
    /// A row whose cosine with the query is at least `cosine` has at least this score, but for one
    /// in 700: three deviations.
    std::int16_t score_of(float cosine) const;

private:
    ScoreTable table_;
    double score_a_cosine_ = 0;
    double off_steps_ = 0;  ///< square of the tangent between the query and its steps
};

}  // namespace meshchain::records
