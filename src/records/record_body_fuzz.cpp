// Every form inside a record, and every message about records: the first byte chooses which.

#include <cstdlib>
#include "records/alert.h"

#include "records/alert_digest.h"
#include "records/metadata.h"
#include "records/ownership.h"
#include "records/receipt.h"
#include "records/search_message.h"
#include "wire/test_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    if (size == 0) return 0;
    const auto body = std::as_bytes(std::span(data, size)).subspan(1);
    const auto same = [&](auto parse) { wire::test::parse_then_encode(body, parse); };
    switch (data[0] % 8) {
        case 0: same(records::parse_alert); break;
        case 1: same(records::parse_acknowledgement); break;
        case 2:
            same(records::parse_registry_entry);
            for (const auto member : records::metadata_members(base::as_text(body), 9)) {
                if (!records::is_metadata_member(member)) std::abort();
            }
            break;
        case 3: same(records::parse_receipts); break;
        case 4: same(records::parse_search_question); break;
        case 5: same(records::parse_search_answer); break;
        case 6: same(records::parse_digest); break;
        case 7: same(records::parse_ownership_link); break;
    }
    return 0;
}
