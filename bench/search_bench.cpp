// Similarity search beside FAISS: the ten most similar of 100 000 embeddings of 512 dimensions, one
// query at a time, one thread. FAISS compares every float with the query (IndexFlatIP), so its
// result is the true one, of which recall is the share that ours has too.
//
// Clustered embeddings are what models make of text and pictures: few true dimensions (48), groups
// (2000) and noise. Isotropic ones have no structure at all, the hardest case.

#include <faiss/IndexFlat.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <string>

#include "base/assert.h"
#include "bench/workloads.h"
#include "records/similarity_index.h"

namespace meshchain::bench {
namespace {

using records::Embedding;
using records::SimilarityIndex;
using records::SimilarityQuery;

constexpr std::size_t rows = 100'000;
constexpr std::size_t dimensions = Embedding::dimensions;
constexpr std::size_t wanted = 10;
constexpr std::size_t queries = 400;
constexpr std::size_t queries_of_scan = 100;
/// FAISS takes some forty milliseconds for each.
constexpr std::size_t queries_of_peer = 15;
constexpr std::size_t queries_of_recall = queries;
constexpr double recall_min = 0.99;

using Floats = std::vector<float>;
using Generate = Floats (*)(std::size_t, std::mt19937&);
using Ids = std::array<faiss::Index::idx_t, wanted>;

void normalise(std::span<float> vector) {
    const float squares = std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0F);
    for (float& value : vector) value /= std::sqrt(squares);
}

Floats gaussians(std::size_t count, std::mt19937& random) {
    std::normal_distribution<float> normal;
    Floats out(count);
    for (float& value : out) value = normal(random);
    return out;
}

Floats isotropic(std::size_t count, std::mt19937& random) {
    Floats out = gaussians(count * dimensions, random);
    for (std::size_t i = 0; i < count; ++i) {
        normalise(std::span(out).subspan(i * dimensions, dimensions));
    }
    return out;
}

Floats clustered(std::size_t count, std::mt19937& random) {
    constexpr std::size_t latent = 48;
    constexpr std::size_t clusters = 2000;
    constexpr float spread = 0.5F;
    constexpr float noise = 0.05F;
    const Floats directions = gaussians(latent * dimensions, random);
    const Floats centres = gaussians(clusters * latent, random);
    Floats out(count * dimensions);
    for (std::size_t i = 0; i < count; ++i) {
        const auto vector = std::span(out).subspan(i * dimensions, dimensions);
        const std::size_t cluster = random() % clusters;
        const Floats offset = gaussians(latent, random);
        for (std::size_t j = 0; j < latent; ++j) {
            const float weight = centres[cluster * latent + j] + spread * offset[j];
            for (std::size_t d = 0; d < dimensions; ++d) {
                vector[d] += weight * directions[j * dimensions + d];
            }
        }
        normalise(vector);
        // Its length, beside the embedding's of 1, is the noise's.
        const Floats rest = gaussians(dimensions, random);
        const float scale = noise * std::sqrt(float(latent) / dimensions);
        for (std::size_t d = 0; d < dimensions; ++d) vector[d] += scale * rest[d];
        normalise(vector);
    }
    return out;
}

/// The same embeddings in both, and the queries.
class Workbench {
public:
    /// The last of `numbers` are the queries.
    explicit Workbench(Floats numbers) : numbers_(std::move(numbers)) {
        for (std::size_t i = 0; i < rows; ++i) {
            MESH_ASSERT(index_.insert(i, records::quantise(vector(i)).value()));
        }
        peer_.add(rows, numbers_.data());
    }

    Ids search(std::size_t query) const {
        return ids_of(index_.search(query_at(query), {.count = wanted}));
    }
    /// Compares all of what our records hold.
    Ids search_all(std::size_t query) const {
        return ids_of(index_.search_all(query_at(query), {.count = wanted}));
    }
    /// Compares all of the numbers themselves.
    Ids ask_peer(std::size_t query) const {
        std::array<float, wanted> similarities;
        Ids ids;
        peer_.search(1, vector(rows + query).data(), wanted, similarities.data(), ids.data());
        return ids;
    }

    template <class Search, class Right>
    double recall(Search&& search, Right&& search_right) const {
        std::ptrdiff_t found = 0;
        for (std::size_t query = 0; query < queries_of_recall; ++query) {
            const Ids right = search_right(query);
            for (const auto id : search(query)) found += std::ranges::count(right, id);
        }
        return static_cast<double>(found) / static_cast<double>(queries_of_recall * wanted);
    }

private:
    std::span<const float> vector(std::size_t i) const {
        return std::span(numbers_).subspan(i * dimensions, dimensions);
    }

    SimilarityQuery query_at(std::size_t query) const {
        return SimilarityQuery::of(vector(rows + query)).value();
    }
    static Ids ids_of(const std::vector<SimilarityIndex::Match>& matches) {
        MESH_ASSERT(matches.size() == wanted);
        Ids ids;
        std::ranges::transform(matches, ids.begin(), [](const SimilarityIndex::Match& match) {
            return static_cast<faiss::Index::idx_t>(match.id);
        });
        return ids;
    }

    Floats numbers_;
    SimilarityIndex index_{rows, 1};
    faiss::IndexFlatIP peer_{dimensions};
};

template <class Search>
double searches_per_second(std::size_t count, Search&& search) {
    return static_cast<double>(count) / seconds([&] {
               for (std::size_t query = 0; query < count; ++query) keep(search(query));
           });
}

/// So often a second can a core read this many bytes, and do nothing with them but look for one
/// that is not there: the limit that memory sets to any search that reads them.
double sweeps_per_second(std::size_t bytes) {
    constexpr int sweeps = 20;
    const std::vector<unsigned char> memory(bytes, 1);
    return sweeps / seconds([&] {
               for (int i = 0; i < sweeps; ++i) {
                   keep(std::memchr(memory.data(), 0xFF, memory.size()));
               }
           });
}

void compare(Report& report, const std::string& name, Generate generate) {
    const std::string recall = name + "_recall";
    const std::string recall_of_rows = name + "_recall_of_rows";
    const std::string memory = name + "_memory";
    const std::string scan = name + "_scan";
    const std::string scan_memory = name + "_scan_memory";
    if (!std::ranges::any_of(std::array{recall, recall_of_rows, memory, scan, scan_memory},
                             [&](const std::string& line) { return report.wants(line); })) {
        return;
    }
    omp_set_num_threads(1);
    std::mt19937 random(7);
    const Workbench bench(generate(rows + queries, random));
    const auto search = [&](std::size_t query) { return bench.search(query); };
    const auto search_all = [&](std::size_t query) { return bench.search_all(query); };
    const auto ask_peer = [&](std::size_t query) { return bench.ask_peer(query); };
    const auto our_rate = [&] { return searches_per_second(queries, search); };
    const auto scan_rate = [&] { return searches_per_second(queries_of_scan, search_all); };
    const auto peer_rate = [&] { return searches_per_second(queries_of_peer, ask_peer); };

    report.compare({.name = name, .unit = "queries/s", .peer = "faiss_flat_ip", .rounds = 5},
                   our_rate, peer_rate);
    report.against_target({.name = recall, .unit = "share", .peer = "target", .rounds = 1},
                          recall_min, [&] { return bench.recall(search, ask_peer); });
    report.against_target({.name = recall_of_rows, .unit = "share", .peer = "target", .rounds = 1},
                          recall_min, [&] { return bench.recall(search, search_all); });
    report.compare({.name = memory, .unit = "queries/s", .peer = "reading_the_codes"}, our_rate,
                   [] { return sweeps_per_second(rows * records::code_bytes); });
    report.compare({.name = scan, .unit = "queries/s", .peer = "faiss_flat_ip", .rounds = 3},
                   scan_rate, peer_rate);
    report.compare({.name = scan_memory, .unit = "queries/s", .peer = "reading_the_rows"},
                   scan_rate, [] { return sweeps_per_second(rows * dimensions); });
}

}  // namespace

void search_workloads(Report& report) {
    compare(report, "similarity_clustered", clustered);
    compare(report, "similarity_isotropic", isotropic);
}

}  // namespace meshchain::bench
