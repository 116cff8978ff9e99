#include "wire/service.h"

namespace meshchain::wire {

std::string_view name(Verdict verdict) {
    switch (verdict) {
        case Verdict::relay: return "relay";
        case Verdict::keep: return "keep";
        case Verdict::ignore: return "ignore";
        case Verdict::punish: return "punish";
    }
    return "unknown";
}

}  // namespace meshchain::wire
