#include "sim/lying_tamper.h"

namespace meshchain::sim {

consensus::ValidatorBits LyingTamper::states(consensus::ValidatorBits heard,
                                             consensus::ValidatorBits others) {
    consensus::ValidatorBits claimed = 0;
    if (claim_ == Claim::everybody) claimed = others;
    if (claim_ == Claim::friends) claimed = friends_ & others;
    if (claimed != heard) count();
    return claimed;
}

bool SecretiveTamper::testifies(std::uint32_t epoch) {
    if (epoch % 2 == 0) return true;
    if (withheld_in_ != epoch) count();
    withheld_in_ = epoch;
    return false;
}

}  // namespace meshchain::sim
