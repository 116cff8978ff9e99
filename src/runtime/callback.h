#pragma once
// A function with up to three words of captured state, kept in place: what handlers, tasks and
// posted work are made of. Copying one is copying four words; nothing is ever allocated.
//
// Ownership: captures must be trivially copyable (pointers, references, small values), so a
//            callback never owns: whoever registers `this` unregisters before it dies.
// Errors:    a callable that returns void counts as one that always succeeds.

#include <array>
#include <cstddef>
#include <expected>
#include <new>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "base/error.h"

namespace meshchain::runtime {

/// What a handler or task reports; an Error is counted and published, and stops nothing else.
using Outcome = std::expected<void, base::Error>;

template <class Signature>
class Callback;

template <class Result, class... Arguments>
class Callback<Result(Arguments...)> {
public:
    static constexpr std::size_t capture_bytes_max = 3 * sizeof(void*);

    Callback() = default;

    template <class Callable>
        requires(!std::is_same_v<std::remove_cvref_t<Callable>, Callback> &&
                 std::is_invocable_v<std::remove_cvref_t<Callable>&, Arguments...>)
    Callback(Callable&& callable) {  // implicit, so that a lambda can be passed as it is
        using Stored = std::remove_cvref_t<Callable>;
        static_assert(sizeof(Stored) <= capture_bytes_max, "capture a pointer to the state");
        static_assert(alignof(Stored) <= alignof(void*));
        static_assert(std::is_trivially_copyable_v<Stored>, "capture by pointer or reference");
        new (capture_.data()) Stored(std::forward<Callable>(callable));
        invoke_ = &invoke<Stored>;
    }

    explicit operator bool() const { return invoke_ != nullptr; }

    Result operator()(Arguments... arguments) {
        MESH_ASSERT(invoke_ != nullptr);
        return invoke_(capture_.data(), static_cast<Arguments>(arguments)...);
    }

private:
    template <class Stored>
    static Result invoke(std::byte* capture, Arguments... arguments) {
        Stored& callable = *std::launder(reinterpret_cast<Stored*>(capture));
        if constexpr (std::is_void_v<std::invoke_result_t<Stored&, Arguments...>>) {
            callable(static_cast<Arguments>(arguments)...);
            return Result();
        } else {
            return callable(static_cast<Arguments>(arguments)...);
        }
    }

    Result (*invoke_)(std::byte*, Arguments...) = nullptr;
    alignas(void*) std::array<std::byte, capture_bytes_max> capture_{};
};

}  // namespace meshchain::runtime
