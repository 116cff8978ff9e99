#include "runtime/handler_table.h"

#include <string>

#include "base/assert.h"

namespace meshchain::runtime {

HandlerTable::HandlerTable(std::size_t handlers_max, std::size_t event_types_max)
    : entries_(handlers_max), types_(event_types_max) {
    MESH_ASSERT(handlers_max > 0 && handlers_max < none && event_types_max < none);
    for (std::size_t i = 0; i < handlers_max; ++i) {
        entries_[i].next = static_cast<Index>(i + 1 < handlers_max ? i + 1 : none);
    }
}

std::expected<HandlerId, base::Error> HandlerTable::add(EventType type, Handler handler) {
    MESH_ASSERT(handler);
    const auto number = static_cast<std::size_t>(type);
    if (number >= types_.size()) {
        return base::failure(base::Errc::invalid_argument, "event type " + std::to_string(number),
                             "event loop", "use a type below " + std::to_string(types_.size()));
    }
    if (free_ == none) {
        return base::failure(base::Errc::full,
                             "all " + std::to_string(entries_.size()) + " handlers are taken",
                             "event loop", "unregister one or raise handlers_max");
    }
    const Index index = free_;
    Entry& entry = entries_[index];
    free_ = entry.next;
    entry.handler = handler;
    entry.next = none;
    entry.type = static_cast<Index>(number);
    entry.removed = false;
    List& list = types_[number];
    (list.first == none ? list.first : entries_[list.last].next) = index;
    list.last = index;
    ++size_;
    return HandlerId{index, entry.generation};
}

bool HandlerTable::remove(HandlerId id) {
    if (id.slot >= entries_.size()) return false;
    Entry& entry = entries_[id.slot];
    if (entry.generation != id.generation || entry.type == none) return false;
    ++entry.generation;
    --size_;
    entry.removed = true;
    if (depth_ == 0) {
        unlink(id.slot);
    } else {
        sweep_pending_ = true;  // a dispatch further out may stand on this entry
    }
    return true;
}

void HandlerTable::unlink(Index index) {
    List& list = types_[entries_[index].type];
    Index before = none;
    for (Index at = list.first; at != index; at = entries_[at].next) before = at;
    (before == none ? list.first : entries_[before].next) = entries_[index].next;
    if (list.last == index) list.last = before;
    entries_[index].type = none;
    entries_[index].next = free_;
    free_ = index;
}

void HandlerTable::sweep() {
    sweep_pending_ = false;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].removed && entries_[i].type != none) unlink(static_cast<Index>(i));
    }
}

}  // namespace meshchain::runtime
