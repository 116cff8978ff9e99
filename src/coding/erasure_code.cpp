#include "coding/erasure_code.h"

#include <algorithm>

#include "base/assert.h"
#include "coding/gf256.h"

namespace meshchain::coding {
namespace {

/// Of data piece `data` in piece `repair`. No index is both, so their sum is not zero.
std::uint8_t coefficient(std::uint8_t repair, std::size_t data) {
    return Gf256::inverse(static_cast<std::uint8_t>(repair ^ data));
}

base::Bytes data_piece(const Cut& cut, base::Bytes message, std::size_t index) {
    const std::size_t begin = index * cut.piece_bytes;
    return message.subspan(begin, std::min(cut.piece_bytes, message.size() - begin));
}

}  // namespace

Cut cut_evenly(std::size_t message_bytes, std::size_t piece_bytes_max) {
    MESH_ASSERT(message_bytes > 0 && piece_bytes_max > 0);
    const std::size_t pieces = (message_bytes + piece_bytes_max - 1) / piece_bytes_max;
    return {message_bytes, (message_bytes + pieces - 1) / pieces};
}

void make_piece(const Cut& cut, base::Bytes message, std::uint8_t index, base::MutableBytes out) {
    MESH_ASSERT(cut.is_sound() && message.size() == cut.message_bytes);
    MESH_ASSERT(out.size() == cut.piece_bytes);
    std::ranges::fill(out, std::byte{});
    if (index < cut.pieces()) {
        std::ranges::copy(data_piece(cut, message, index), out.begin());
        return;
    }
    for (std::size_t data = 0; data < cut.pieces(); ++data) {
        add_multiple(out, data_piece(cut, message, data), coefficient(index, data));
    }
}

PieceCollector::PieceCollector(const Cut& cut) : cut_(cut) { MESH_ASSERT(cut.is_sound()); }

bool PieceCollector::add(std::uint8_t index, base::Bytes piece) {
    MESH_ASSERT(piece.size() == cut_.piece_bytes);
    if (missing() == 0 || known_.test(index)) return false;
    known_.set(index);
    indexes_.push_back(index);
    bytes_.insert(bytes_.end(), piece.begin(), piece.end());
    return true;
}

base::Buffer PieceCollector::take_message() {
    MESH_ASSERT(missing() == 0);
    put_in_order();
    repair();
    bytes_.resize(cut_.message_bytes);
    return std::move(bytes_);
}

base::MutableBytes PieceCollector::piece(std::size_t place) {
    return base::MutableBytes(bytes_).subspan(place * cut_.piece_bytes, cut_.piece_bytes);
}

void PieceCollector::swap_places(std::size_t a, std::size_t b) {
    std::ranges::swap_ranges(piece(a), piece(b));
    std::swap(indexes_[a], indexes_[b]);
}

void PieceCollector::put_in_order() {
    for (std::size_t place = 0; place < indexes_.size(); ++place) {
        while (indexes_[place] < indexes_.size() && indexes_[place] != place) {
            swap_places(place, indexes_[place]);
        }
    }
}

void PieceCollector::repair() {
    std::vector<std::size_t> lost;  // places of the data pieces that did not come
    for (std::size_t place = 0; place < indexes_.size(); ++place) {
        if (indexes_[place] != place) lost.push_back(place);
    }
    // What is known is taken out of each piece for repair; what stays are as many equations as
    // there are lost pieces, solved in place by elimination. No part of a Cauchy matrix is
    // singular, so no pivot is ever zero.
    std::vector<std::uint8_t> matrix;
    for (const std::size_t row : lost) {
        for (std::size_t data = 0; data < indexes_.size(); ++data) {
            const std::uint8_t factor = coefficient(indexes_[row], data);
            if (indexes_[data] == data) {
                add_multiple(piece(row), piece(data), factor);
            } else {
                matrix.push_back(factor);
            }
        }
    }
    const std::size_t size = lost.size();
    const auto row_of = [&](std::size_t row) {
        return std::span(matrix).subspan(row * size, size);
    };
    for (std::size_t pivot = 0; pivot < size; ++pivot) {
        const std::uint8_t factor = Gf256::inverse(row_of(pivot)[pivot]);
        scale(std::as_writable_bytes(row_of(pivot)), factor);
        scale(piece(lost[pivot]), factor);
        for (std::size_t row = 0; row < size; ++row) {
            const std::uint8_t less = row_of(row)[pivot];
            if (row == pivot || less == 0) continue;
            add_multiple(std::as_writable_bytes(row_of(row)), std::as_bytes(row_of(pivot)), less);
            add_multiple(piece(lost[row]), piece(lost[pivot]), less);
        }
    }
}

}  // namespace meshchain::coding
