#include "host/unicode.h"

#include <utf8proc.h>

#include <cstdlib>

namespace meshchain::host {

std::expected<Secret, base::Error> to_nfkd(base::Bytes text) {
    utf8proc_uint8_t* mapped = nullptr;
    const auto* const input = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    const auto options =
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    const utf8proc_ssize_t size =
        utf8proc_map(input, static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
    if (size < 0) {
        return base::failure(base::Errc::invalid_argument,
                             std::string("is no text in UTF-8: ") + utf8proc_errmsg(size),
                             "Unicode", "type it again");
    }
    const base::MutableBytes bytes =
        std::as_writable_bytes(std::span(mapped, static_cast<std::size_t>(size)));
    Secret secret = Secret::copy_of(bytes);
    crypto::wipe(bytes);
    std::free(mapped);
    return secret;
}

}  // namespace meshchain::host
