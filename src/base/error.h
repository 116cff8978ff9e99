#pragma once
// The one error type. The outside world's failures are `std::expected<T, Error>`; absence is
// `std::optional`; our own bugs assert (base/assert.h).

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace meshchain::base {

/// What kind of failure it is, for code that decides what to do next.
enum class Errc : unsigned char {
    malformed,         ///< bytes or text that do not parse
    too_large,         ///< over a named limit
    wrong_version,     ///< a format or protocol version we do not speak
    wrong_chain,       ///< belongs to another genesis
    bad_signature,     ///< a signature, MAC or checksum of a peer's data that does not verify
    not_found,         ///< the thing asked for does not exist
    exists,            ///< the thing to be made exists already
    full,              ///< a bounded container or quota has no room
    conflict,          ///< contradicts what is already accepted (double spend, equivocation)
    stale,             ///< too old: replayed, expired, behind a window
    future,            ///< dated ahead of what the clock allows
    unauthorized,      ///< wrong passphrase, missing token, missing capability
    io,                ///< the medium or the operating system failed
    corrupt,           ///< stored data that fails its checksum
    locked,            ///< somebody else holds it
    unsupported,       ///< valid, but not for this node
    invalid_argument,  ///< a value outside its documented range
    timeout,           ///< did not happen in the time allowed
    closed,            ///< the component is stopped
    unavailable,       ///< cannot be done now, may work later
};

/// A stable lower-case name, as printed in JSON output.
std::string_view name(Errc code);

struct Error {
    Errc code;
    std::string what;    ///< what failed, with the offending value
    std::string where;   ///< the component, file or field
    std::string advice;  ///< what to do about it; may be empty where nothing can be done
};

/// One sentence for a person: "where: what; advice".
std::string sentence(const Error& error);

/// Shorthand for returning an Error from a function that returns std::expected.
inline std::unexpected<Error> failure(Errc code, std::string what, std::string where,
                                      std::string advice = {}) {
    return std::unexpected(Error{code, std::move(what), std::move(where), std::move(advice)});
}

}  // namespace meshchain::base

#define MESH_CONCAT_(a, b) a##b
#define MESH_CONCAT(a, b) MESH_CONCAT_(a, b)

/// Returns the Error of `expression` from the enclosing function, if it has one.
#define MESH_CHECK(expression)                                       \
    do {                                                             \
        if (auto mesh_result_ = (expression); !mesh_result_)         \
            return std::unexpected(std::move(mesh_result_).error()); \
    } while (false)

/// Declares `declaration` with the value of `expression`, or returns its Error.
#define MESH_TRY(declaration, expression) \
    MESH_TRY_(MESH_CONCAT(mesh_result_, __LINE__), declaration, expression)
#define MESH_TRY_(result, declaration, expression)                  \
    auto result = (expression);                                     \
    if (!result) return std::unexpected(std::move(result).error()); \
    declaration = *std::move(result)
