#pragma once
// Certificates of FINAL by height, so that a node that lags by any distance finds a chain of proofs
// (rows F5, J4): the newest one, the last one in every `spacing` heights before it, and the
// last one of every epoch.
//
// Ownership: the store outlives it.
// Limits:    one certificate in `spacing` heights; where finality jumped further, what it jumped
// to. Errors:    corrupt (a value that does not parse), those of the store. Format:
// docs/formats/consensus-record.md

#include <expected>
#include <optional>

#include "kv/store.h"
#include "wire/vote.h"

namespace meshchain::consensus {

struct ProvenHeight {
    wire::Height height;
    wire::Certificate certificate;
};

class CertificateStore {
public:
    static constexpr std::uint32_t spacing = 256;

    CertificateStore(kv::Store& store, kv::Table table) : store_(&store), table_(table) {}

    /// Adds to `batch` what makes `certificate` the newest one in place of that of `previous`,
    /// which stays if it is the last of its epoch: who follows must find one in each.
    void add(kv::Batch& batch, wire::Height previous, wire::Height height,
             const wire::Certificate& certificate, bool new_epoch = false) const;
    /// The highest in [from, to]; if there is none, the lowest above.
    std::expected<std::optional<ProvenHeight>, base::Error> find(wire::Height from,
                                                                 wire::Height to) const;

private:
    std::expected<std::optional<ProvenHeight>, base::Error> first_of(kv::Range range) const;

    kv::Store* store_;
    kv::Table table_;
};

}  // namespace meshchain::consensus
