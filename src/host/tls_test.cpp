// The API over TLS: files that do not fit, clients that do not trust, names that are not ours.

#include <boost/asio/ssl.hpp>

#include "host/api_client.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/http_test_server.h"
#include "host/temporary_folder.h"
#include "host/tls_context.h"
#include "host/tls_test_certificate.h"

namespace meshchain::host {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Tls : public testing::Test {
protected:
    HttpServer::Options options() const {
        auto options = options_on_any_port();
        options.tls = HttpServer::TlsFiles{files_.certificate, files_.key};
        return options;
    }
    base::Error error_of(const std::filesystem::path& certificate,
                         const std::filesystem::path& key) {
        const auto context = TlsContext::open(certificate, key);
        EXPECT_FALSE(context);
        return context ? base::Error{} : context.error();
    }
    static std::string content(const std::filesystem::path& path) {
        return std::string(base::as_text(*read_file(path, 100'000)));
    }
    std::string fingerprint() const {
        return (*TlsContext::open(files_.certificate, files_.key))->fingerprint();
    }
    static HttpClient client(const RunningServer& server, TlsTrust trust) {
        return HttpClient(
            {.address = server.address(), .token = token, .tls = std::move(trust), .timeout = 5s});
    }

    TemporaryFolder folder_;
    TestCertificate files_ = make_certificate(folder_.path(), "api");
};

TEST_F(Tls, MissingFiles_AreNamed) {
    const auto gone = folder_.path() / "gone";
    EXPECT_EQ(error_of(gone, files_.key).code, base::Errc::not_found);
    EXPECT_EQ(error_of(files_.certificate, gone).where, gone.string());
}

TEST_F(Tls, KeyThatOthersMayRead_IsRefused) {
    ::chmod(files_.key.c_str(), 0640);
    const auto error = error_of(files_.certificate, files_.key);
    EXPECT_EQ(error.code, base::Errc::unauthorized);
    EXPECT_THAT(error.advice, StartsWith("chmod 600"));
}

TEST_F(Tls, KeyOfAnotherCertificate_IsRefused) {
    const auto other = make_certificate(folder_.path(), "other");
    const auto error = error_of(files_.certificate, other.key);
    EXPECT_EQ(error.code, base::Errc::invalid_argument);
    EXPECT_THAT(error.what, HasSubstr("does not belong"));
}

TEST_F(Tls, FilesThatAreNoPem_AreRefused) {
    const auto garbage = folder_.path() / "garbage";
    ASSERT_TRUE(write_file(garbage, base::as_bytes("-----BEGIN NONSENSE-----\n")));
    EXPECT_EQ(error_of(garbage, files_.key).code, base::Errc::malformed);
    EXPECT_EQ(error_of(files_.certificate, garbage).code, base::Errc::malformed);
}

TEST_F(Tls, PublicAddress_IsListenedOnWithTlsAlone) {
    boost::asio::io_context io;
    auto everywhere = options();
    everywhere.address = node::ipv4({0, 0, 0, 0}, 0);
    EXPECT_TRUE(HttpServer::listen(io, everywhere, {}));
    everywhere.tls.reset();
    EXPECT_EQ(HttpServer::listen(io, everywhere, {}).error().code, base::Errc::invalid_argument);
}

TEST_F(Tls, TrustedCertificate_IsTalkedToByFingerprintAndByAuthority) {
    RunningServer server(options());
    for (const TlsTrust& trust : {TlsTrust{fingerprint(), {}}, TlsTrust{{}, files_.certificate}}) {
        const auto response = client(server, trust).send("GET", "/v1/things");
        ASSERT_TRUE(response) << sentence(response.error());
        EXPECT_EQ(response->status, 200U);
    }
}

TEST_F(Tls, FolderWithAddressTokenAndCertificate_IsEnoughToReachANode) {
    RunningServer server(options());
    const DataFolder folder(folder_.path());
    const auto write = [](const std::filesystem::path& path, const std::string& text) {
        ASSERT_TRUE(write_file(path, base::as_bytes(text + "\n")));
    };
    write(folder.api_address(), base::to_string(server.address()));
    write(folder.api_token(), token);
    for (const std::string& trust : {fingerprint(), content(files_.certificate)}) {
        write(folder.api_certificate(), trust);
        const auto client = ApiClient::of_folder(folder.root());
        ASSERT_TRUE(client) << sentence(client.error());
        EXPECT_TRUE(client->get("/v1/things"));
    }
}

TEST_F(Tls, TokenForAnotherMachine_IsNeverSentInTheClear) {
    const DataFolder folder(folder_.path());
    ASSERT_TRUE(write_file(folder.api_address(), base::as_bytes("192.0.2.1:443\n")));
    ASSERT_TRUE(write_file(folder.api_token(), base::as_bytes("secret\n")));
    EXPECT_EQ(ApiClient::of_folder(folder.root()).error().code, base::Errc::unauthorized);
}

TEST_F(Tls, OtherCertificate_IsNotTalkedTo) {
    RunningServer server(options());
    const auto other = make_certificate(folder_.path(), "other");
    const std::string wrong = "sha256:" + std::string(64, '0');
    for (const TlsTrust& trust : {TlsTrust{wrong, {}}, TlsTrust{{}, other.certificate}}) {
        const auto response = client(server, trust).send("GET", "/v1/things");
        ASSERT_FALSE(response);
        EXPECT_EQ(response.error().code, base::Errc::unauthorized) << sentence(response.error());
    }
}

TEST_F(Tls, PlainHttp_GetsNoAnswer) {
    RunningServer server(options());
    EXPECT_FALSE(server.client().send("GET", "/v1/things"));
    EXPECT_TRUE(client(server, {fingerprint(), {}}).send("GET", "/v1/things"));
}

TEST_F(Tls, OldVersions_AreNotSpoken) {
    RunningServer server(options());
    boost::asio::io_context io;
    boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
    SSL_CTX_set_security_level(context.native_handle(), 0);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_1_VERSION);
    boost::asio::ssl::stream<tcp::socket> stream(io, context);
    stream.next_layer().connect(to_endpoint<tcp::endpoint>(server.address()));
    boost::system::error_code error;
    stream.handshake(boost::asio::ssl::stream_base::client, error);
    EXPECT_TRUE(error);
}

TEST_F(Tls, SilentHandshakes_HoldNobodyUp) {
    auto few = options();
    few.strangers_max = 4;
    RunningServer server(few);
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 20; ++i) crowd.push_back(std::make_unique<RawClient>(server.address()));
    EXPECT_TRUE(client(server, {fingerprint(), {}}).send("GET", "/v1/things"));
}

TEST_F(Tls, Host_IsAnAddressOrANameOfTheCertificate) {
    const auto context = *TlsContext::open(files_.certificate, files_.key);
    EXPECT_TRUE(context->is_host("192.0.2.7"));
    EXPECT_TRUE(context->is_host("[2001:db8::1]"));
    EXPECT_TRUE(context->is_host("node.example"));
    EXPECT_FALSE(context->is_host("evil.example"));
    EXPECT_FALSE(context->is_host(""));
}

}  // namespace
}  // namespace meshchain::host
