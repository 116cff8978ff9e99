#include "host/fee_request.h"

namespace meshchain::host {
namespace {

using base::Errc;

std::expected<wire::FeeCode, base::Error> fee_of(const node::Node& node, const Json& fee) {
    if (fee.is_number_unsigned()) {
        const std::uint64_t units = fee.get<std::uint64_t>();
        const auto code =
            units <= wire::Amount::units_max ? wire::fee_code_for({units}) : std::nullopt;
        if (code) return *code;
        return base::failure(Errc::invalid_argument, std::to_string(units) + " is too large", "fee",
                             "leave it out for the usual fee");
    }
    const node::FeesView fees = node.fees();
    if (fee == "low") return fees.low;
    if (fee == "normal") return fees.normal;
    if (fee == "high") return fees.high;
    return base::failure(Errc::malformed, "is neither a whole number nor a choice", "fee",
                         "allowed: low, normal, high, or units");
}

}  // namespace

std::expected<std::optional<wire::FeeCode>, base::Error> read_fee(const node::Node& node,
                                                                  JsonObject& object) {
    const Json* const fee = object.child("fee");
    if (fee == nullptr) return std::nullopt;
    MESH_TRY(const wire::FeeCode code, fee_of(node, *fee));
    return code;
}

}  // namespace meshchain::host
