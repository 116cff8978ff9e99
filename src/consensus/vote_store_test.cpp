#include "consensus/vote_store.h"

#include <gtest/gtest.h>

#include "kv/memory_store.h"

namespace meshchain::consensus {
namespace {

constexpr kv::Table table{3};
constexpr std::array tables{kv::TableInfo{table, "consensus"}};

TEST(VoteStoreTest, ProofsThatDifferInAnything_AreKeptBesideEachOther) {
    const auto store = kv::make_memory_store(tables);
    VoteStore votes(*store, table);
    wire::Vote vote;
    vote.round.value = 9;
    vote.source.round.value = 4;
    std::vector<wire::Vote> proofs(5, vote);
    proofs[1].source.block.bytes[31] = std::byte{1};  // of the same round
    proofs[2].target.bytes[31] = std::byte{1};
    proofs[3].validator.value = 1;
    proofs[4].round.value = 10;
    ASSERT_TRUE(votes.write_proofs(proofs));
    ASSERT_TRUE(votes.write_proofs(proofs)) << "the same again";
    EXPECT_EQ(votes.load()->proofs.size(), proofs.size());
    ASSERT_TRUE(votes.erase_proofs_below({10}));
    EXPECT_EQ(votes.load()->proofs, std::vector{proofs[4]});
}

}  // namespace
}  // namespace meshchain::consensus
