#include "mesh/slot_lottery.h"

#include "base/cursor.h"

namespace meshchain::mesh {

bool SlotLottery::enter(base::Instant now, const crypto::PublicKey& key) {
    const auto draw = static_cast<std::uint64_t>(now.time_since_epoch() / draw_every);
    if (draw != draw_) {
        winner_ = lowest_;
        lowest_.reset();
        draw_ = draw;
    }
    if (winner_ && winner_->key == key) {
        winner_.reset();
        return true;
    }
    base::Buffer lot;
    base::Writer writer(lot);
    writer.u64(draw);
    writer.bytes(key.bytes);
    const std::uint64_t number = crypto::short_hash(secret_, lot);
    if (!lowest_ || number < lowest_->number) lowest_ = Lot{key, number};
    return false;
}

}  // namespace meshchain::mesh
