// Any bytes: what parses is written again as it was, and has a direction.

#include "base/assert.h"
#include "records/embedding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes bytes = std::as_bytes(std::span(data, size));
    base::Reader in(bytes);
    const bool is_refined = size > records::Embedding::bytes;
    const records::Embedding embedding =
        is_refined ? records::parse_refined_embedding(in) : records::parse_embedding(in);
    if (!in.finish("embedding")) return 0;
    base::Buffer out;
    base::Writer writer(out);
    records::encode(embedding, writer);
    MESH_ASSERT(base::equal(out, bytes));
    MESH_ASSERT(records::similarity(embedding, embedding) == 1.0F);
    return 0;
}
