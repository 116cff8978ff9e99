#pragma once
// Which entries a scan visits, in which order, and by whom they are received.

#include <limits>
#include <type_traits>

#include "base/bytes.h"
#include "kv/schema.h"

namespace meshchain::kv {

/// Keys k with from <= k < to in unsigned byte order. An empty bound is open: the first or last
/// key of the table. The bounds are borrowed for the scan.
struct Range {
    Table table;
    base::Bytes from{};
    base::Bytes to{};
    bool reverse = false;
    std::size_t limit = std::numeric_limits<std::size_t>::max();  ///< visits at most
};

/// The least key above every key that starts with `prefix`, as `to` of a prefix scan; empty (open)
/// when there is none.
base::Buffer end_of_prefix(base::Bytes prefix);

/// Borrows a callable `bool(Bytes key, Bytes value)` for one scan, without allocating. It returns
/// whether to go on. The spans are valid during the call only.
class Visitor {
public:
    template <class Callable>
        requires(std::is_invocable_r_v<bool, Callable&, base::Bytes, base::Bytes> &&
                 !std::is_same_v<std::remove_cvref_t<Callable>, Visitor>)
    Visitor(Callable&& callable)  // NOLINT(google-explicit-constructor): takes lambdas in place
        : callable_(const_cast<void*>(static_cast<const void*>(&callable))),
          call_([](void* target, base::Bytes key, base::Bytes value) -> bool {
              return (*static_cast<std::remove_reference_t<Callable>*>(target))(key, value);
          }) {}

    bool operator()(base::Bytes key, base::Bytes value) const {
        return call_(callable_, key, value);
    }

private:
    void* callable_;
    bool (*call_)(void*, base::Bytes, base::Bytes);
};

}  // namespace meshchain::kv
