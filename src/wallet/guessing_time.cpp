#include "wallet/guessing_time.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace meshchain::wallet {
namespace {

constexpr double card_bytes_per_second = 1e12;
/// Argon2 reads two blocks and writes one for each it fills.
constexpr double moves_per_block = 3;
constexpr double cards_of_a_rich_attacker = 1000;

constexpr int digits = 10;
constexpr int letters = 26;
constexpr int signs = 33;
constexpr int other_bytes = 128;

/// How many characters there are of the class that `c` is one of.
int class_size(unsigned char c) {
    if (c >= '0' && c <= '9') return digits;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return letters;
    return c < 128 ? signs : other_bytes;
}

/// Which class, as a bit: lower and upper case are two.
unsigned class_bit(unsigned char c) {
    if (c >= 'a' && c <= 'z') return 1;
    if (c >= 'A' && c <= 'Z') return 2;
    if (c >= '0' && c <= '9') return 4;
    return c < 128 ? 8 : 16;
}

struct Unit {
    const char* name;
    const char* plural;
    double seconds;
};
constexpr double year_seconds = 365.25 * 86'400;
constexpr std::array units{
    Unit{"year", "years", year_seconds}, Unit{"day", "days", 86'400},  Unit{"hour", "hours", 3600},
    Unit{"minute", "minutes", 60},       Unit{"second", "seconds", 1},
};

std::string describe(double seconds) {
    if (seconds < 1) return "under a second";
    if (seconds > 1e6 * year_seconds) return "over a million years";
    const Unit& unit =
        *std::ranges::find_if(units, [&](const Unit& each) { return seconds >= each.seconds; });
    const auto count = static_cast<unsigned long>(seconds / unit.seconds);
    return "about " + std::to_string(count) + " " + (count == 1 ? unit.name : unit.plural);
}

}  // namespace

double passphrase_bits_at_most(base::Bytes passphrase) {
    unsigned classes = 0;
    int pool = 0;
    for (const char c : base::as_text(passphrase)) {
        const auto character = static_cast<unsigned char>(c);
        if ((classes & class_bit(character)) == 0) pool += class_size(character);
        classes |= class_bit(character);
    }
    double bits = 0;
    for (std::size_t i = 0; i < passphrase.size(); ++i) {
        const int step =
            i == 0 ? 2
                   : std::to_integer<int>(passphrase[i]) - std::to_integer<int>(passphrase[i - 1]);
        bits += std::abs(step) <= 1 ? 1 : std::log2(pool);
    }
    return bits;
}

double guessing_seconds(base::KdfCost cost, double bits) {
    const double bytes_moved = moves_per_block * 1024.0 * cost.passes * cost.memory_kib;
    return std::exp2(bits - 1) * bytes_moved / card_bytes_per_second;
}

std::string describe_guessing_time(base::KdfCost cost, double bits) {
    const double seconds = guessing_seconds(cost, bits);
    return describe(seconds) + " with one graphics card, " +
           describe(seconds / cards_of_a_rich_attacker) + " with a thousand";
}

}  // namespace meshchain::wallet
