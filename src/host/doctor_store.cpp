// The doctor's look at the store and the disk it lies on.

#include <sys/statvfs.h>

#include "chain/chain_store.h"
#include "consensus/vote_store.h"
#include "host/doctor_checks.h"
#include "host/node_store.h"
#include "host/store_marker.h"
#include "host/store_salvage.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

void check_chain(Patient& patient, kv::Store& store) {
    if (!patient.genesis) return;
    // Opening writes genesis into an empty store, which a read-only one refuses.
    const auto chain = chain::ChainStore::open(store, *patient.genesis);
    if (chain || chain.error().code == base::Errc::unavailable) return;
    const bool other = chain.error().code == base::Errc::wrong_chain;
    patient.add(other ? "other_genesis" : "store_damaged", Severity::fault,
                other ? "The store belongs to another genesis" : "The store is damaged",
                chain.error().where + ": " + chain.error().what,
                other ? "put the genesis back that this store was made with, or use another folder"
                      : salvage_advice);
}

void check_key_record(Patient& patient, kv::Store& store) {
    if (!patient.config || patient.config->role != wire::Role::validator || patient.running) return;
    const auto content = consensus::VoteStore(store, node::tables::consensus).load();
    if (!content) {
        patient.add("store_damaged", Severity::fault, "What this validator signed is unreadable",
                    content.error());
        return;
    }
    if (content->record && !content->record->waiting) return;
    patient.add("key_waiting", Severity::warning, "This validator will keep silent at first",
                content->record ? "its key is marked as restored"
                                : "the store has no record of what its key signed",
                "start the node and wait until FINAL has passed its start; never run another node "
                "with this key");
}

}  // namespace

void check_store(Patient& patient) {
    if (!patient.config) return;
    patient.checked.emplace_back("store");
    const auto path = patient.folder.store(*patient.config);
    const auto marker = read_store_marker(patient.folder);
    if (!std::filesystem::exists(path) && (!marker || !*marker)) return;  // before the first start
    const auto store = open_node_store(patient.folder, *patient.config, StoreMode::read_only);
    // A flash log has one reader or writer at a time.
    if (!store && patient.running && store.error().code == base::Errc::locked) return;
    if (!store) {
        const base::Errc code = store.error().code;
        const bool missing = code == base::Errc::not_found || is_empty_file(path);
        patient.add(missing                             ? "store_missing"
                    : code == base::Errc::wrong_version ? "store_version"
                                                        : "store_damaged",
                    Severity::fault,
                    missing ? "The store is missing or empty" : "The store cannot be opened",
                    store.error().where + ": " + store.error().what,
                    missing ? empty_store_advice
                    : code == base::Errc::wrong_version
                        ? "use a program of the version that wrote it"
                    : store.error().advice.empty() ? lost_store_advice
                                                   : store.error().advice);
        return;
    }
    const auto expected =
        marker ? check_store_marker(*marker, patient.folder, *patient.config, **store)
               : std::unexpected(marker.error());
    if (!expected) {
        const bool missing = expected.error().code == base::Errc::not_found;
        const bool older = expected.error().code == base::Errc::stale;
        patient.add(older     ? "store_older"
                    : missing ? "store_missing"
                              : "store_damaged",
                    Severity::fault,
                    older     ? "The store is older than this node was"
                    : missing ? "The store is missing or empty"
                              : "What tells the store's age cannot be read",
                    expected.error());
        return;
    }
    if (patient.options.verify_store) {
        if (const auto sound = (*store)->verify(); !sound) {
            patient.add("store_damaged", Severity::fault, "The store is damaged",
                        sound.error().where + ": " + sound.error().what, salvage_advice);
            return;
        }
    }
    check_chain(patient, **store);
    check_key_record(patient, **store);
}

bool check_disk(Patient& patient) {
    patient.checked.emplace_back("disk");
    struct statvfs disk{};
    if (::statvfs(patient.folder.root().c_str(), &disk) != 0) return true;
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    const std::uint64_t least = patient.options.free_bytes_min;
    const std::string why = std::to_string(free / 1024) + " KiB are free where " +
                            patient.folder.root().string() + " lies";
    if ((disk.f_flag & ST_RDONLY) != 0) {
        patient.add("disk_read_only", Severity::fault, "The disk is read-only",
                    patient.folder.root().string() + " lies on it",
                    "check it (dmesg, fsck) and mount it for writing");
        return false;
    }
    if (free < least) {
        patient.add("disk_full", Severity::fault, "The disk is full", why, "free some space");
    } else if (free < 8 * least) {
        patient.add("disk_full", Severity::warning, "The disk is nearly full", why,
                    "free some space");
    }
    return true;
}

}  // namespace meshchain::host
