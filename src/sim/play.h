#pragma once
// Plays a scenario: moves its world, does what its steps say, pays, and holds what the nodes do and
// answer against the rules (row J1):
//
//   final-prefix       all honest nodes agree on every FINAL block, always
//   final-stays        what was FINAL stays so, through crashes too
//   final-known        a node can show what it calls FINAL
//   spent-once         each coin is spent once in the FINAL history
//   supply             coins, stakes and fee balances are the supply, in each honest store
//   stake, slashed-once, slashed-honest    stakes move by the rules (sim/stake_tally.h)
//   testimony          rosters say what was testified of proximity and of secrets
//                      (sim/testimony_tally.h)
//   equivocation       an honest validator signs nothing that could be slashed
//   accountable        two FINAL histories, which a third of the stake can make, leave proof
//                      against a third of it
//   converge           after the hostile phase honest nodes agree and finalise again, in time
//   payment-forgotten  a payment that was taken is FINAL in the end
//   memory             no table or queue is over its limit
//   airtime            no program hands its radio more in any hour than it was given
//   no-start           a machine with a sound disk starts, once that has room
//   successor          those who are left agree on one, which goes on with all the money
//   record-lost        a record that was signed is held by all whom it concerns in the end, if it
//                      has not ended, been replaced or been lost with a disk
//   record-agree       in the end all hold the same records
//   record-forged      nobody holds a record that nobody signed
//   record-row         a node can read the records that it has
//   record-receipts    the origin of a high or critical alert, if it went on living, knows who
//   holds
//                      it: all who do and whom it can reach, and nobody who does not
//   record-date        whose clock is right dates what it signs rightly
//   record-storm       honest nodes send a few frames for each record and node, whatever attackers
//                      send (sim/record_traffic.h)
//   search             what is asked for over the mesh in the end is found, and nothing made up
//   promise            what the scenario itself expects (expect-final, expect-still)
//
// While a third of the stake or more breaks the rules, only what no stake can break is asked for:
// that of conflicting FINAL blocks one can be seen is not.

#include "base/log.h"
#include "sim/certificate_check.h"
#include "sim/final_history.h"
#include "sim/payment_book.h"
#include "sim/record_book.h"
#include "sim/record_traffic.h"
#include "sim/report.h"
#include "sim/signature_watch.h"
#include "sim/village.h"

namespace meshchain::sim {

struct PlayProgress {
    base::Duration at{};
    base::Duration until{};  ///< of the hostile phase, then of the time to converge
    bool is_healing = false;
    std::size_t payments = 0;
    std::size_t payments_final = 0;
};

/// Complains about what is over its limit.
void check_memory(std::size_t machine, std::span<const node::MemoryLimit> limits,
                  Findings& findings);

class Play {
public:
    struct Options {
        std::uint64_t seed = 1;
        base::LogSink* log = nullptr;
        /// Once a simulated second. False: that is enough, and the report says what was so far.
        std::function<bool(const PlayProgress&)> on_progress = [](const PlayProgress&) {
            return true;
        };
        std::optional<ledger::Genesis> genesis = {};  ///< of a successor
        std::set<std::size_t> gone = {};              ///< machines that never start
    };
    /// `scenario` passed check().
    Play(const Scenario& scenario, Options options);

    Report run();

    Village& village() { return village_; }

private:
    // play.cpp
    void prepare();
    bool run_hostile();
    void run_healing();
    void end_hostilities();
    bool pass_second(base::Instant end, bool is_healing);
    void look();
    void keep_moment();
    /// On, honest, and with a chain of its own.
    bool is_judged(std::size_t index) const;
    /// On, honest, and with proofs of FINAL alone.
    bool is_judged_light(std::size_t index) const;
    bool agree();
    base::Duration payment_patience() const;
    std::string where_all_stand();                    ///< as the end of a sentence
    bool is_known(const wire::Txid& txid);            ///< to an honest machine that is on
    std::string where_it_is(const wire::Txid& txid);  ///< as the end of a sentence
    bool is_final_everywhere(const wire::Txid& txid);
    void judge_end();
    /// What those who are left agree on, if they do.
    std::optional<ledger::Genesis> make_successor();
    void run_successor();
    Report report();
    void count_traffic(std::size_t from, base::Bytes datagram);
    void count_packet(base::Bytes packet);
    void count_air(base::Bytes payload, std::size_t packet_bytes, bool is_relayed);
    std::optional<wire::BlockHeader> expand_block(const wire::ShortBlock& said) const;
    void check_airtime();
    void collect(std::size_t index);
    base::Duration since_start() const { return village_.world().now() - World::start; }

    // play_records.cpp
    RecordBook::Views record_views(std::optional<std::size_t> without = {});
    void schedule_records();
    using Act = void (Play::*)(std::size_t from);
    void schedule_acts(base::Duration every, Act act);
    void raise_alert(std::size_t from);
    void publish_entry(std::size_t from);
    void publish_state(std::size_t from);
    void acknowledge_alert(std::size_t from);
    void search_something(std::size_t from);
    void note_signed(std::size_t from, const std::expected<wire::RecordId, base::Error>& result);
    bool records_are_settled();
    std::optional<RecordBook::Told> told_of(const RecordBook::Entry& entry);
    void follow_records();
    void judge_records();
    void judge_searches();
    struct Question;
    void judge_search(const Question& question);
    void judge_answer(const Question& question, const records::SearchView& answer);
    bool has_right_clock(std::size_t index) const;
    std::string next_saying() {
        return "seen for the " + std::to_string(++records_said_) + ". time";
    }

    // play_steps.cpp
    void perform(const Step& step);
    void perform_on(const Step& step, std::size_t machine);
    void check_promise(const Step& step);
    void check_paid(const Step& step);
    void check_channel(const Step& step);
    void check_alerted(const Step& step);
    void check_refused(const Step& step, std::size_t index);
    unsigned channel_permille() const;
    void switch_on(std::size_t index);
    void replace_disk(std::size_t index);
    void pay_somebody();
    std::optional<wire::Txid> pay(std::size_t from, std::size_t to);
    void move_stake(const Step& step, std::size_t index);
    std::optional<node::StakeOrder> order_of(const Step& step, std::size_t index);
    void check_kept(const Step& step, std::size_t index);
    void check_stake_promise(const Step& step, std::size_t index);
    void check_election_promise(const Step& step, std::size_t index);
    void schedule_payments(base::Duration every);
    void follow_payments();

    Scenario scenario_;
    Options options_;
    mutable Village village_;
    base::Random random_;
    Findings findings_;
    FinalHistory history_;
    CertificateCheck certificates_;
    SignatureWatch watch_;
    PaymentBook book_;
    RecordBook book_of_records_;
    std::uint64_t records_said_ = 0;
    std::size_t starts_ = 0;
    Report report_;
    std::array<std::uint64_t, traffic_kinds> sent_{};  ///< bytes
    bool can_finalise_;
    base::Duration look_every_;
    base::Duration pay_every_{};
    std::uint64_t payment_plan_ = 0;  ///< an older one does not go on
    base::Instant healing_since_{};
    base::Instant grown_at_{};  ///< when a block of the history was seen to be FINAL first
};

}  // namespace meshchain::sim
