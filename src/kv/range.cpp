#include "kv/range.h"

namespace meshchain::kv {

base::Buffer end_of_prefix(base::Bytes prefix) {
    base::Buffer end = base::to_buffer(prefix);
    while (!end.empty() && end.back() == std::byte{0xff}) end.pop_back();
    if (!end.empty())
        end.back() = static_cast<std::byte>(std::to_integer<unsigned>(end.back()) + 1);
    return end;
}

}  // namespace meshchain::kv
