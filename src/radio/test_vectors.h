#pragma once
// Bytes that the official software made, from tests/vectors/meshtastic.txt.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/bytes.h"

namespace meshchain::radio::test {

inline base::Buffer official(const std::string& wanted) {
    std::ifstream file(MESHCHAIN_VECTORS "/meshtastic.txt");
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string name;
        std::string hex;
        words >> name >> hex;
        if (name == wanted) return base::from_hex(hex).value();
    }
    ADD_FAILURE() << "no vector " << wanted;
    return {};
}

/// Bytes `first`, `first` + 1, …
inline base::Buffer rising(int first, std::size_t count) {
    base::Buffer bytes(count);
    for (std::size_t i = 0; i < count; ++i) {
        bytes[i] = static_cast<std::byte>(static_cast<std::size_t>(first) + i);
    }
    return bytes;
}

}  // namespace meshchain::radio::test
