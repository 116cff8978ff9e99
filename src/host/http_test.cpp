// What HTTP carries, as values.

#include "host/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meshchain::host {
namespace {

TEST(HttpErrors, Response_ReadsBackAsTheSameError) {
    const base::Error error{base::Errc::conflict, "spent \"twice\"", "coin", "wait"};
    const base::Error read = parse_error_response(error_response(error));
    EXPECT_EQ(read.code, error.code);
    EXPECT_EQ(read.what, error.what);
    EXPECT_EQ(read.where, error.where);
    EXPECT_EQ(read.advice, error.advice);
}

TEST(HttpErrors, StrangeResponse_IsUnavailable) {
    for (const char* body :
         {"", "<html>", "[]", "{}", R"({"error": 5})", R"({"error": {"code": "novel"}})"}) {
        EXPECT_EQ(parse_error_response({502, body}).code, base::Errc::unavailable) << body;
    }
}

TEST(HttpTarget, BrokenTargets_AreRefused) {
    for (const char* target : {"", "v1", "/%", "/%4", "/a?b=%g0", "/a?b=1&b=2"}) {
        EXPECT_FALSE(parse_target(target)) << target;
    }
}

}  // namespace
}  // namespace meshchain::host
