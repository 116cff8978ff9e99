#pragma once
// Certificates made on the spot, for tests of TLS.

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>

#include "host/file.h"

namespace meshchain::host {

struct TestCertificate {
    std::filesystem::path certificate;
    std::filesystem::path key;
};

/// Self-signed, for 127.0.0.1 and node.example, with a fresh key, as NAME.pem and NAME.key.
inline TestCertificate make_certificate(const std::filesystem::path& folder,
                                        const std::string& name) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                  EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* const subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("node.example"), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    X509_EXTENSION* const names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name,
                                                      "IP:127.0.0.1,DNS:node.example");
    X509_add_ext(made.get(), names, -1);
    X509_EXTENSION_free(names);
    X509_sign(made.get(), key.get(), EVP_sha256());

    const TestCertificate files{folder / (name + ".pem"), folder / (name + ".key")};
    const auto write = [](const std::filesystem::path& path, auto&& print) {
        std::FILE* const file = std::fopen(path.c_str(), "wb");
        print(file);
        std::fclose(file);
        ::chmod(path.c_str(), 0600);
    };
    write(files.certificate, [&](std::FILE* file) { PEM_write_X509(file, made.get()); });
    write(files.key, [&](std::FILE* file) {
        PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return files;
}

}  // namespace meshchain::host
