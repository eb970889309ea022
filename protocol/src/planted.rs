//! Faults that can be planted in the machines, to see that the tests find each of them out.
//!
//! One list, below: what is wrong, which promise or rule that breaks, and the test that finds it out for
//! the least time. `docs/mutants.md` shows the same list. A point of planting is one short expression,
//! [`is_planted`]. Programs are built without the feature `sim`, and there it is a constant `false`.

/// Where a fault has to be found out.
#[cfg(any(test, feature = "sim"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killer {
    /// By this test of this crate.
    Test(&'static str),
    /// In this world of `tests/sim/mutants.rs`.
    World(&'static str),
}

/// What is known of a fault.
#[cfg(any(test, feature = "sim"))]
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which.
    pub planted: Planted,
    /// What is wrong.
    pub what: &'static str,
    /// The promise and the rules that it breaks.
    pub breaks: &'static str,
    /// Where it is found out.
    pub killer: Killer,
}

macro_rules! faults {
    ($($name:ident: $what:literal, $breaks:literal, $kind:ident($killer:literal);)*) => {
        /// A fault that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Planted {
            $(#[doc = $what] $name,)*
        }

        /// All of them.
        #[cfg(any(test, feature = "sim"))]
        pub const FAULTS: &[Fault] = &[$(Fault {
            planted: Planted::$name,
            what: $what,
            breaks: $breaks,
            killer: Killer::$kind($killer),
        },)*];
    };
}

faults! {
    // What a charter takes in.
    OperationUnsigned: "an operation is taken in whoever signed it", "R-10",
        Test("circle::charter::tests::what_somebody_else_signed_is_refused");
    SeqUnchecked: "an operation is taken in with any `seq`", "R-10",
        Test("circle::charter::tests::a_wrong_seq_is_refused");
    PastUnchecked: "who was let in elsewhere acts where that was not seen", "R-10, R-11",
        Test("circle::charter::tests::who_acts_outside_the_past_of_its_own_admission_is_refused_in_either_order");
    CardlessLetIn: "somebody is let in with a card that nobody can seal to", "R-4, R-10",
        Test("circle::charter::tests::nobody_is_let_in_with_a_card_that_is_no_card");
    TimeNotAwaited: "what states a time counts before that has come", "R-15",
        Test("circle::charter::tests::an_operation_that_states_a_time_waits_until_it_has_come");

    WritesUnlimited: "what one member writes too much is taken at once", "P7, R-16, H-10",
        Test("circle::charter::tests::what_one_member_writes_too_much_waits_for_its_time");

    // The fold.
    RemovalWeak: "a removal cancels nothing that it had not seen", "P3, R-11",
        Test("circle::roster::tests::a_removal_wins_over_all_that_the_removed_person_did_meanwhile");
    HostRemovesHost: "one host alone removes another", "R-12",
        Test("circle::roster::tests::a_host_is_not_removed_by_another_host_alone");
    AnybodyBacks: "who is no host backs the word of one", "R-12",
        Test("circle::roster::tests::a_word_is_backed_by_another_host_only");
    BackingUnranked: "of removals in a ring that by two goes for no more than that by one", "R-11",
        Test("circle::roster::tests::a_removal_by_two_goes_before_one_by_one_in_a_ring");
    AgeUnranked: "of removals in a ring the age of the authors does not count", "R-11",
        Test("circle::roster::tests::mutual_removals_are_decided_by_age");
    TermsEndless: "a role goes on after word that its term is over", "R-12, R-15",
        Test("circle::roster::tests::a_term_ends_by_an_operation_and_not_by_a_clock");
    HolderEndsTerm: "the holder's own word that a term is over counts", "R-12",
        Test("circle::roster::tests::a_term_ends_by_an_operation_and_not_by_a_clock");
    UsesUncounted: "an invite lets in more than it may", "R-62",
        Test("circle::roster::tests::an_invite_lets_in_so_many_and_who_lost_the_race_falls_with_all_that_leans_on_it");
    RemovalKeepsInvites: "a removal leaves invites open that have not seen it", "P3, R-60",
        Test("circle::roster::tests::a_removal_closes_every_invite_that_had_not_seen_it");
    AnybodyAdmits: "every member lets in as if it had the right", "R-12",
        Test("circle::roster::tests::each_role_has_its_rights");
    RemovedStillKnown: "who is let in again has the roles of before", "R-11",
        Test("circle::roster::tests::a_removed_person_does_nothing_more");

    // Votes.
    TallyOmits: "a tally counts that leaves out a ballot of its past", "R-12",
        Test("circle::votes::tests::a_tally_that_omits_or_adds_a_ballot_or_states_another_result_is_void");
    TallyOfFew: "a tally is final that few acknowledged", "R-12",
        Test("circle::votes::tests::a_tally_is_final_once_more_than_half_of_the_electorate_acknowledged_it");
    ElectorateUnchecked: "whoever proposes chooses who may vote", "R-12",
        Test("circle::votes::tests::a_proposal_that_leaves_a_member_out_is_void");
    VoteUnranked: "what a vote decided goes for no more than what one host did at once", "R-11, R-12",
        Test("circle::votes::tests::a_host_who_is_voted_out_removes_no_voter_with_an_old_date");
    VoteUsedTwice: "what was voted on once can be done again and again", "R-12",
        Test("circle::votes::tests::a_vote_is_used_once");
    NewcomersCount: "who was let in since the hosts are away takes the circle over", "R-13",
        Test("circle::votes::tests::who_was_let_in_since_no_host_was_there_takes_nothing_over");
    HostStaysLost: "a host who came back is lost all the same", "R-13",
        Test("circle::votes::tests::a_host_who_came_back_is_not_lost");

    // Openings and the head.
    OpenerUnchecked: "an opening counts whoever signed it", "P3, R-22",
        Test("circle::head::tests::an_opening_by_nobody_of_its_members_is_void");
    PastlessOpens: "an opening without a past counts", "R-22",
        Test("circle::head::tests::an_opening_without_a_past_is_void");
    CardsUncounted: "an opening names fewer cards than it has members", "R-22",
        Test("circle::head::tests::an_opening_with_too_few_cards_or_too_long_a_past_is_void");
    HeadsUncovered: "an opening covers less than what it supersedes", "R-22",
        Test("circle::head::tests::an_opening_that_covers_less_than_what_it_supersedes_is_closed");
    DayUnchecked: "an opening of a later day counts today", "R-22",
        Test("circle::head::tests::an_opening_of_the_day_after_tomorrow_waits_for_its_day");
    WaitingUnlooked: "an opening counts on that supersedes one of a later day", "P1, R-22",
        Test("circle::head::tests::what_an_opening_supersedes_counts_before_its_day_and_not_if_it_is_void");
    WaitingForgotten: "what a valid opening supersedes goes in a flood, and with it that this does not count", "P1, R-22",
        Test("circle::head::tests::openings_that_wait_are_few_of_each_opener");
    OutsidersSpokenWith: "an opening by or for somebody outside the roster is spoken in", "P3, R-22",
        Test("circle::head::tests::an_opening_by_or_for_somebody_removed_is_closed");
    OpeningsUncounted: "more than four openings of one member and day count", "R-22, H-10",
        Test("circle::head::tests::what_exceeds_four_openings_of_a_day_is_closed_the_same_everywhere");
    SurplusUntold: "no host is shown who opens more than it may", "R-22",
        World("who_opens_too_much_is_shown_to_hosts");
    SurplusUnshown: "who takes one too many for one that counts is not shown what does", "P1, R-22",
        World("who_counts_one_too_many_is_led_back");
    FloodHeld: "all openings are held that one member floods with", "P7, R-22, H-10",
        Test("circle::head::tests::a_flood_of_openings_takes_the_place_of_nothing_but_itself");
    CommitmentUnchecked: "an entry counts against the header's commitment", "R-21",
        Test("circle::epoch::tests::an_entry_does_not_open_under_a_header_with_any_other_field");
    MailboxUnchecked: "an entry counts although another mailbox follows from it", "R-21",
        Test("circle::epoch::tests::an_entry_is_not_for_another_mailbox_or_board_whatever_the_opener_commits_to");
    BoardUnchecked: "an entry counts although another board follows from it", "R-17, R-21",
        Test("circle::epoch::tests::an_entry_is_not_for_another_mailbox_or_board_whatever_the_opener_commits_to");
    HeadSmallest: "the smallest epoch is the head", "R-24",
        Test("circle::head::tests::the_head_has_most_members_and_of_equals_the_smallest_id");
    SupersededSpokenIn: "an epoch is spoken in after it was superseded", "R-24",
        Test("circle::head::tests::what_is_superseded_is_never_the_head");
    SpokenInOn: "an epoch is spoken in after somebody in it was removed", "P3, R-24",
        Test("circle::head::tests::an_opening_by_or_for_somebody_removed_is_closed");
    OtherDeviceSpeaks: "this device speaks in an epoch that names another one", "R-24",
        Test("circle::head::tests::an_epoch_for_another_device_of_this_member_is_no_head");
    DeviceNotFollowed: "no opening follows a member to another device", "R-25",
        Test("circle::head::tests::an_opening_is_due_once_a_member_has_another_device_and_not_for_a_newer_card");
    CopyOpens: "who has a newer card of another copy opens epochs", "R-25, R-83",
        Test("circle::head::tests::who_has_a_newer_card_of_a_copy_opens_nothing");
    CardsStay: "all cards of a flood are kept", "P7, R-4",
        Test("circle::card::tests::a_flood_of_cards_takes_the_place_of_nothing_but_itself");

    // Boards.
    BoardUsedOn: "a board is used on after somebody who has it was removed", "P3, R-17",
        Test("circle::head::tests::a_board_is_usable_while_all_who_were_given_it_belong_and_nothing_replaced_it");
    BoardUsedAfterNext: "a board is used on after another one replaced it", "R-17",
        Test("circle::head::tests::a_board_is_usable_while_all_who_were_given_it_belong_and_nothing_replaced_it");
    BoardForgetsReaders: "who was given a board is forgotten with the epoch that gave it", "P3, R-17",
        Test("circle::head::tests::a_board_stays_unusable_after_the_epoch_ended_that_gave_it_to_somebody_removed");
    BoardUsedUnseen: "a board is used on that a member may have given to somebody removed, unseen", "P3, R-17",
        Test("circle::head::tests::a_board_is_spoiled_unseen_by_a_member_and_by_nobody_who_has_gone");
    BoardOfLaterDays: "a board is used on that an opening of a later day gives to somebody removed", "P3, R-17",
        Test("circle::head::tests::a_board_is_spoiled_by_an_opening_whose_day_has_not_come");
    StrangersUnseen: "an epoch and its board are used that name a card of somebody removed in another's place", "P3, R-17, R-24",
        Test("circle::head::tests::an_epoch_that_names_a_card_of_somebody_removed_is_not_spoken_in");
    BoardFromBefore: "a board is used from before somebody came and went", "P3, R-17",
        Test("circle::head::tests::a_board_from_before_somebody_came_and_went_is_not_used");
    HeadUnlooked: "nobody looks whether all can learn of a new head", "P1, R-17",
        World("a_head_on_an_old_board_reaches_the_newcomer");
    CardlessNotLed: "an opening is not posted anew where a card that it names is not here", "P1, R-17",
        World("a_head_that_names_a_card_nobody_has_reaches_the_newcomer");
    AnyBoardLeadsOn: "an opening that names another board is taken to bring all who read it there", "P1, R-17",
        World("a_head_reaches_a_newcomer_past_openings_without_her");
    HeadBoardGivenUp: "of too many boards that of the head may be given up", "P1, R-17",
        Test("circle::boards::tests::the_heads_board_is_never_given_up");
    HeadBoardUnread: "the board of the head is not read if it was given up before", "P1, R-17",
        Test("circle::boards::tests::a_board_that_was_given_up_is_read_again_once_it_is_the_heads");
    VoidBoardUsed: "a board is used that only an opening against the rules brought", "P3, R-17",
        Test("circle::head::tests::readers_of_a_board_in_a_void_opening_are_never_known");
    StraysStay: "an operation that came where not all read is not carried on", "P1, R-17",
        World("an_operation_on_an_old_board_reaches_the_newcomer");
    WaitedStay: "an operation that had waited since it came where not all read is not carried on", "P1, R-17",
        World("what_had_waited_on_an_old_board_reaches_the_newcomer");
    LaterDayAwaited: "an opening of a later day on the head's board keeps back what is to be carried on there", "P1, R-17",
        Test("circle::head::tests::readers_of_a_board_are_known_though_an_opening_of_a_later_day_names_it");
    MeanwhileUnasked: "a newcomer does not ask for what was opened while it came in", "P1, R-29",
        Test("circle::head::tests::a_newcomer_asks_for_what_was_opened_while_it_came_in");
    BoardAfterJudging: "the board in an opening is read only once the opening was judged", "P1, R-17",
        World("a_newcomer_follows_two_halves");
    QuietListed: "a mailbox that somebody removed can prove is listed, and proven to members", "R-17",
        Test("exchange::tests::a_quiet_mailbox_is_proven_to_relays_only_and_unlisted");

    // The end of epochs.
    EpochsStay: "epochs that are over keep their secrets", "R-26, P7",
        World("a_week_later_the_old_secret_is_nowhere");
    EpochsEndAtOnce: "a superseded epoch ends at once", "P1, R-26",
        Test("circle::head::tests::an_epoch_is_over_days_after_it_was_superseded_and_never_the_head");
    HeadEnds: "the head ends by its age", "P1, R-26",
        Test("circle::head::tests::an_epoch_is_over_days_after_it_was_superseded_and_never_the_head");

    // Cards.
    CardUnsigned: "a card counts whoever signed it", "R-4",
        Test("circle::card::tests::a_card_counts_for_its_member_circle_and_suite_alone");
    CardsUnranked: "of a member's cards the oldest counts", "R-4",
        Test("circle::card::tests::the_highest_revision_counts_and_of_equals_the_smallest_hash");
    CardStays: "a device never makes a fresh card", "R-4",
        World("a_device_that_speaks_makes_a_fresh_card_each_day");
    CardOfYears: "a card from far ahead counts at once", "R-4, H-26",
        World("a_card_from_years_ahead_waits");

    // Envelopes and frames.
    HourUnchecked: "an envelope from far ahead is taken", "R-30",
        World("an_envelope_from_ahead_is_not_taken");
    PaddingUnchecked: "padding may be anything", "R-30, H-7",
        Test("envelope::tests::padding_that_is_not_zero_is_refused");
    Unpadded: "an envelope is as long as its text", "P5, R-30",
        Test("envelope::tests::an_envelope_has_one_of_few_sizes_and_opens_only_in_its_mailbox");
    FrameUnsigned: "a frame counts whoever signed it", "R-32",
        Test("message::tests::a_frame_counts_for_its_speaker_place_epoch_and_circle_alone");
    AuthorUnchecked: "a message counts for another author than its frame's member", "P2, R-32",
        World("nobody_speaks_for_another");
    DeviceUnchecked: "a message counts on a device that is not its author's", "R-32",
        World("nobody_speaks_on_a_device_of_nobody");
    CardOfAnother: "a header that names my card at your place lets me speak as you", "R-32",
        World("nobody_speaks_at_the_place_of_another");

    // Talk.
    RemovedHeard: "what somebody removed says on is shown", "R-32, H-14",
        World("what_somebody_removed_says_on_is_not_shown");
    HeardUntold: "what was heard of somebody in time is not told to others", "P1, R-32",
        World("what_was_heard_in_time_reaches_all");
    ShownTwice: "what came twice is shown twice", "R-27, R-40",
        Test("circle::log::tests::a_message_is_shown_once");
    ParentsUnordered: "a message stands where its author's clock says", "R-41",
        Test("circle::log::tests::the_same_messages_stand_in_one_order_in_whatever_order_they_came");
    ParentsNotAwaited: "a message is shown without what its author had seen", "P2, R-41",
        Test("circle::log::tests::a_gap_opens_after_some_patience_and_closes_when_it_is_filled");
    FutureBelieved: "a clock of 2099 takes the end of the screen", "R-41, H-26",
        Test("circle::log::tests::a_clock_of_2099_does_not_take_the_end_of_the_screen_for_ever");
    MarkOnAnothersWord: "what one member has counts as had by all", "P2, R-40",
        World("a_mark_counts_who_said_so");
    RelayedTooSoon: "what is sent counts as relayed", "P2",
        World("a_mark_waits_for_a_relay");
    HoleLeft: "what somebody lacks among later words is not said again before its epoch ends", "P1, R-27",
        World("what_is_lacking_among_later_words_is_said_again");
    AsideLeft: "what was said last beside the head is not said again before its epoch ends", "P1, R-27",
        World("what_was_said_last_beside_the_head_is_said_again");
    AsideFollowedLeft: "what was said beside the head is not said again where something follows it there", "P1, R-27",
        World("what_was_said_beside_the_head_and_followed_there_is_said_again");
    HeadsApart: "members who speak in two epochs are not brought together", "P1, R-25",
        World("who_speak_apart_are_brought_together");
    SeenReplaces: "an older `seen` takes back what a newer one told", "P2, R-40",
        Test("message::tests::an_older_seen_takes_nothing_back");
    OffHourStays: "what was sealed by a clock that was off is not sealed anew", "P1, H-26",
        World("what_a_clock_that_was_ahead_sealed_arrives");
    OwnCardAhead: "this device's own card from years ahead counts for it", "R-4, H-26",
        World("a_device_whose_clock_was_ahead_keeps_its_card");
    QueueUnsaved: "what was said is not kept with its place in the queue", "P1, R-28",
        World("what_was_said_outlasts_a_crash");
    DifferentUntold: "nobody is told that somebody sent different messages for one place", "R-32",
        World("two_messages_for_one_place_are_told_of");
    OutsiderReads: "who is given the secret of an epoch that it was not in reads what was said there", "P4, R-32",
        World("a_newcomer_reads_nothing_that_somebody_gives_it_a_key_of");

    // Said again.
    NothingAgain: "nothing is said again", "P1, R-27",
        World("what_relays_forgot_is_said_again");
    NotAgainOnceHelped: "who asks and is answered by somebody else is said nothing again by the author", "P1, R-27",
        Test("circle::boards::tests::who_is_answered_by_somebody_else_is_said_again_what_its_author_alone_can");
    AgainToAnybody: "what was said is said again to who was not there", "P4, R-27",
        World("a_newcomer_is_said_nothing_again");
    AgainWithoutEnd: "what was said again is said again each time", "P7, R-27",
        World("what_was_said_again_is_not_said_each_time");
    AgainToAllHere: "what is for one is said again to all", "P4, R-27, R-45",
        World("what_is_said_again_is_for_who_was_there");

    // Help.
    NobodyAsks: "nobody asks for help", "P1, R-29",
        World("a_home_from_an_old_backup_comes_back");
    NobodyHelps: "nobody answers who asks", "P1, R-29",
        World("a_home_from_an_old_backup_comes_back");
    NewlyLackingWaits: "what is newly lacking is asked for only when what nobody can answer is, once a day", "P1, R-29",
        Test("circle::boards::tests::what_is_newly_lacking_is_asked_for_within_an_hour");
    AsksTheSame: "each ask names the same of all that is lacking", "P1, R-29",
        World("what_is_lacking_behind_a_flood_is_asked_for");
    GaveWayUnasked: "what may have come in the mailbox of an ended epoch that gave way is not asked for", "P1, R-26, R-29",
        Test("circle::boards::tests::what_is_served_no_more_is_asked_for");
    HelpUnbounded: "who asks all day is answered all day, on every board", "P7, R-29",
        World("who_asks_all_day_fills_no_home");
    HelpOutside: "who asks is answered, member or not", "P3, R-29",
        World("who_was_removed_is_not_helped");
    HelpToOldCard: "who asks with an old card is told everything", "P3, R-29",
        World("an_old_card_is_told_the_newer_one_and_nothing_else");

    // Reconciliation.
    RejectedForgotten: "what was found bad is fetched again", "R-50",
        Test("exchange::tests::what_was_rejected_is_not_asked_for_again");
    ErasedForgotten: "what was erased is fetched again", "R-50, P9",
        Test("exchange::tests::what_is_older_than_the_horizon_is_erased_and_not_fetched_again");
    ProofUnchecked: "a member shows a mailbox to who cannot prove it", "R-31, R-50",
        Test("exchange::tests::a_proof_heard_elsewhere_proves_nothing");
    MemberAcknowledges: "what a member has counts as with a relay", "P2, R-50",
        Test("exchange::tests::what_a_member_stores_is_not_acknowledged");
    OthersNotRepaired: "what one relay lacks is not put there", "R-51",
        Test("exchange::tests::what_one_relay_brings_and_the_other_does_not_show_is_put_there_once");

    // Admission.
    RequestUnproven: "a request counts without proof of the code", "R-61",
        Test("admission::tests::a_request_is_believed_for_its_circle_invite_key_and_handle_alone");
    CodeOfAnyCircle: "a code leads to whatever circle answers", "R-60",
        Test("admission::tests::a_join_card_of_another_circle_inviter_or_invite_is_not_believed");
    AnybodyEndsInvites: "whoever has the code ends the wait of others", "R-61",
        Test("admission::tests::a_no_of_who_has_the_code_is_not_the_end");
    WelcomeToAnybody: "a welcome counts for another request", "R-63",
        Test("admission::tests::a_welcome_of_another_origin_request_circle_or_header_is_not_believed");
    FirstWelcomeAlone: "of the welcomes to a newcomer the first counts, whoever's", "P1, R-63",
        World("what_others_answer_keeps_no_newcomer_out");
    NoUnheard: "who took another's welcome for the circle's is not told the inviter's no", "R-61, R-63",
        World("a_no_reaches_who_was_welcomed_to_nowhere");
    AnybodyRefuses: "whoever is a member refuses who asks to be let in", "R-61",
        World("what_others_answer_keeps_no_newcomer_out");
    AskedForEver: "what was asked by who came and left is open again", "R-62",
        World("who_came_and_left_waits_no_more");
    LeftOnce: "who left, and was let in by somebody else too, stays in", "R-12",
        World("who_left_and_was_let_in_by_somebody_else_too_leaves_again");

    // Relays.
    PutUnproven: "a relay takes from who has not proven the mailbox", "R-31, R-70",
        Test("relay::tests::nobody_uses_a_mailbox_without_its_key");
    RelayProofUnchecked: "a relay takes any proof", "R-31, R-50",
        Test("relay::tests::a_proof_of_another_connection_is_refused_and_the_eighth_ends_it");
    LinkUnchecked: "a relay takes any link of a token", "R-73",
        Test("relay::token::tests::a_link_of_another_number_or_token_is_not_believed");
    OldLinksLast: "an older link counts for ever", "R-73",
        Test("relay::token::tests::an_older_link_counts_for_a_day_after_it_was_replaced");
    QuotaUnchecked: "a token pays for more than its share", "P7, R-70",
        Test("relay::tests::each_limit_has_its_own_refusal_and_others_go_on");
    RelayKeepsAll: "a relay forgets nothing", "P9, R-70",
        Test("relay::tests::envelopes_are_kept_to_their_age_and_then_erased_with_what_nobody_uses");
    RelayTakesAnyHour: "a relay takes what is from far ahead or long past", "R-30",
        Test("relay::tests::an_envelope_of_a_wrong_size_or_hour_is_refused_with_its_reason");
    StoredUnkept: "a relay says stored, and has not", "P2, R-81",
        World("what_a_relay_acknowledged_it_has");

    // At rest.
    RestoredGoesOn: "a home that was put back goes on as the same device", "R-83",
        World("a_home_that_was_put_back_is_a_new_device");
}

/// Whether a fault is planted here.
#[cfg(any(test, feature = "sim"))]
pub fn is_planted(fault: Planted) -> bool {
    HERE.get()[fault as usize / 64] >> (fault as u32 % 64) & 1 == 1
}

/// No program has faults planted.
#[cfg(not(any(test, feature = "sim")))]
pub(crate) const fn is_planted(_: Planted) -> bool {
    false
}

#[cfg(not(any(test, feature = "sim")))]
const _: () = assert!(!is_planted(Planted::OperationUnsigned));

/// Plants these faults, and no others, in all machines that this thread runs, until what is given back
/// is dropped.
#[cfg(any(test, feature = "sim"))]
#[must_use]
pub fn plant(faults: impl IntoIterator<Item = Planted>) -> Planting {
    let mut all = Faults::default();
    faults.into_iter().for_each(|fault| all[fault as usize / 64] |= 1 << (fault as u32 % 64));
    Planting(HERE.replace(all))
}

/// As long as it lasts, faults are planted.
#[cfg(any(test, feature = "sim"))]
#[derive(Debug)]
pub struct Planting(Faults);

#[cfg(any(test, feature = "sim"))]
impl Drop for Planting {
    fn drop(&mut self) {
        HERE.set(self.0);
    }
}

#[cfg(any(test, feature = "sim"))]
thread_local! {
    static HERE: std::cell::Cell<Faults> = const { std::cell::Cell::new([0; 3]) };
}

/// One bit for each fault.
#[cfg(any(test, feature = "sim"))]
type Faults = [u64; 3];

#[cfg(any(test, feature = "sim"))]
const _: () = assert!(FAULTS.len() <= 3 * 64);

#[cfg(test)]
mod tests;
