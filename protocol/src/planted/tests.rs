//! Each planted fault whose killer is a test of this crate is found out by it.

use std::panic::catch_unwind;

use super::{FAULTS, Fault, Killer, Planted, is_planted, plant};

macro_rules! tests {
    ($($test:path,)*) => { [$((stringify!($test), $test as fn()),)*] };
}

/// The tests that find faults out.
fn killers() -> Vec<(&'static str, fn())> {
    let tests = tests![
        crate::admission::tests::a_join_card_of_another_circle_inviter_or_invite_is_not_believed,
        crate::admission::tests::a_no_of_who_has_the_code_is_not_the_end,
        crate::admission::tests::a_request_is_believed_for_its_circle_invite_key_and_handle_alone,
        crate::admission::tests::a_welcome_of_another_origin_request_circle_or_header_is_not_believed,
        crate::circle::boards::tests::a_board_that_was_given_up_is_read_again_once_it_is_the_heads,
        crate::circle::boards::tests::the_heads_board_is_never_given_up,
        crate::circle::boards::tests::what_is_served_no_more_is_asked_for,
        crate::circle::boards::tests::what_is_newly_lacking_is_asked_for_within_an_hour,
        crate::circle::boards::tests::who_is_answered_by_somebody_else_is_said_again_what_its_author_alone_can,
        crate::circle::card::tests::a_card_counts_for_its_member_circle_and_suite_alone,
        crate::circle::card::tests::the_highest_revision_counts_and_of_equals_the_smallest_hash,
        crate::circle::charter::tests::a_wrong_seq_is_refused,
        crate::circle::charter::tests::an_operation_that_states_a_time_waits_until_it_has_come,
        crate::circle::charter::tests::nobody_is_let_in_with_a_card_that_is_no_card,
        crate::circle::charter::tests::what_somebody_else_signed_is_refused,
        crate::circle::charter::tests::who_acts_outside_the_past_of_its_own_admission_is_refused_in_either_order,
        crate::circle::charter::tests::what_one_member_writes_too_much_waits_for_its_time,
        crate::circle::card::tests::a_flood_of_cards_takes_the_place_of_nothing_but_itself,
        crate::circle::epoch::tests::an_entry_does_not_open_under_a_header_with_any_other_field,
        crate::circle::epoch::tests::an_entry_is_not_for_another_mailbox_or_board_whatever_the_opener_commits_to,
        crate::circle::head::tests::a_board_is_usable_while_all_who_were_given_it_belong_and_nothing_replaced_it,
        crate::circle::head::tests::a_board_is_spoiled_unseen_by_a_member_and_by_nobody_who_has_gone,
        crate::circle::head::tests::readers_of_a_board_in_a_void_opening_are_never_known,
        crate::circle::head::tests::readers_of_a_board_are_known_though_an_opening_of_a_later_day_names_it,
        crate::circle::head::tests::a_board_from_before_somebody_came_and_went_is_not_used,
        crate::circle::head::tests::a_board_is_spoiled_by_an_opening_whose_day_has_not_come,
        crate::circle::head::tests::what_an_opening_supersedes_counts_before_its_day_and_not_if_it_is_void,
        crate::circle::head::tests::openings_that_wait_are_few_of_each_opener,
        crate::circle::head::tests::an_epoch_that_names_a_card_of_somebody_removed_is_not_spoken_in,
        crate::circle::head::tests::a_newcomer_asks_for_what_was_opened_while_it_came_in,
        crate::circle::head::tests::a_board_stays_unusable_after_the_epoch_ended_that_gave_it_to_somebody_removed,
        crate::circle::head::tests::a_flood_of_openings_takes_the_place_of_nothing_but_itself,
        crate::circle::head::tests::what_exceeds_four_openings_of_a_day_is_closed_the_same_everywhere,
        crate::circle::head::tests::an_epoch_for_another_device_of_this_member_is_no_head,
        crate::circle::head::tests::an_epoch_is_over_days_after_it_was_superseded_and_never_the_head,
        crate::circle::head::tests::an_opening_by_nobody_of_its_members_is_void,
        crate::circle::head::tests::an_opening_by_or_for_somebody_removed_is_closed,
        crate::circle::head::tests::an_opening_is_due_once_a_member_has_another_device_and_not_for_a_newer_card,
        crate::circle::head::tests::an_opening_of_the_day_after_tomorrow_waits_for_its_day,
        crate::circle::head::tests::an_opening_that_covers_less_than_what_it_supersedes_is_closed,
        crate::circle::head::tests::an_opening_with_too_few_cards_or_too_long_a_past_is_void,
        crate::circle::head::tests::an_opening_without_a_past_is_void,
        crate::circle::head::tests::the_head_has_most_members_and_of_equals_the_smallest_id,
        crate::circle::head::tests::what_is_superseded_is_never_the_head,
        crate::circle::head::tests::who_has_a_newer_card_of_a_copy_opens_nothing,
        crate::circle::log::tests::a_clock_of_2099_does_not_take_the_end_of_the_screen_for_ever,
        crate::circle::log::tests::a_gap_opens_after_some_patience_and_closes_when_it_is_filled,
        crate::circle::log::tests::a_message_is_shown_once,
        crate::circle::log::tests::the_same_messages_stand_in_one_order_in_whatever_order_they_came,
        crate::circle::roster::tests::a_host_is_not_removed_by_another_host_alone,
        crate::circle::roster::tests::a_removal_by_two_goes_before_one_by_one_in_a_ring,
        crate::circle::roster::tests::a_removal_closes_every_invite_that_had_not_seen_it,
        crate::circle::roster::tests::a_removal_wins_over_all_that_the_removed_person_did_meanwhile,
        crate::circle::roster::tests::a_removed_person_does_nothing_more,
        crate::circle::roster::tests::a_term_ends_by_an_operation_and_not_by_a_clock,
        crate::circle::roster::tests::a_word_is_backed_by_another_host_only,
        crate::circle::roster::tests::an_invite_lets_in_so_many_and_who_lost_the_race_falls_with_all_that_leans_on_it,
        crate::circle::roster::tests::each_role_has_its_rights,
        crate::circle::roster::tests::mutual_removals_are_decided_by_age,
        crate::circle::votes::tests::a_host_who_came_back_is_not_lost,
        crate::circle::votes::tests::a_host_who_is_voted_out_removes_no_voter_with_an_old_date,
        crate::circle::votes::tests::a_proposal_that_leaves_a_member_out_is_void,
        crate::circle::votes::tests::a_tally_is_final_once_more_than_half_of_the_electorate_acknowledged_it,
        crate::circle::votes::tests::a_tally_that_omits_or_adds_a_ballot_or_states_another_result_is_void,
        crate::circle::votes::tests::a_vote_is_used_once,
        crate::circle::votes::tests::who_was_let_in_since_no_host_was_there_takes_nothing_over,
        crate::envelope::tests::an_envelope_has_one_of_few_sizes_and_opens_only_in_its_mailbox,
        crate::envelope::tests::padding_that_is_not_zero_is_refused,
        crate::exchange::tests::a_proof_heard_elsewhere_proves_nothing,
        crate::exchange::tests::a_quiet_mailbox_is_proven_to_relays_only_and_unlisted,
        crate::exchange::tests::what_a_member_stores_is_not_acknowledged,
        crate::exchange::tests::what_is_older_than_the_horizon_is_erased_and_not_fetched_again,
        crate::exchange::tests::what_one_relay_brings_and_the_other_does_not_show_is_put_there_once,
        crate::exchange::tests::what_was_rejected_is_not_asked_for_again,
        crate::message::tests::a_frame_counts_for_its_speaker_place_epoch_and_circle_alone,
        crate::message::tests::an_older_seen_takes_nothing_back,
        crate::relay::tests::a_proof_of_another_connection_is_refused_and_the_eighth_ends_it,
        crate::relay::tests::an_envelope_of_a_wrong_size_or_hour_is_refused_with_its_reason,
        crate::relay::tests::each_limit_has_its_own_refusal_and_others_go_on,
        crate::relay::tests::envelopes_are_kept_to_their_age_and_then_erased_with_what_nobody_uses,
        crate::relay::tests::nobody_uses_a_mailbox_without_its_key,
        crate::relay::token::tests::a_link_of_another_number_or_token_is_not_believed,
        crate::relay::token::tests::an_older_link_counts_for_a_day_after_it_was_replaced,
    ];
    tests.into_iter().map(|(name, test)| (name.trim_start_matches("crate::"), test)).collect()
}

#[test]
fn each_fault_is_found_out_by_its_test_which_passes_without_it() {
    let tests = killers();
    let mut survivors: Vec<Planted> = Vec::new();
    for Fault { planted, what, breaks, killer } in FAULTS {
        let Killer::Test(name) = killer else { continue };
        let test = tests.iter().find(|(known, _)| known == name);
        let (_, test) = test.unwrap_or_else(|| panic!("{planted:?}: there is no test {name}"));
        assert!(catch_unwind(test).is_ok(), "{name} fails of itself");
        let planting = plant([*planted]);
        let survives = catch_unwind(test).is_ok();
        drop(planting);
        println!("{planted:?} | {what} | {breaks} | {name}");
        survivors.extend(survives.then_some(*planted));
    }
    assert!(survivors.is_empty(), "nobody notices {survivors:?}");
}

#[test]
fn what_is_planted_ends_with_its_planting() {
    let [first, second] = [FAULTS[0].planted, FAULTS[FAULTS.len() - 1].planted];
    let outer = plant([first]);
    {
        let _inner = plant([second]);
        assert!(is_planted(second) && !is_planted(first));
    }
    assert!(is_planted(first) && !is_planted(second));
    drop(outer);
    assert!(FAULTS.iter().all(|fault| !is_planted(fault.planted)));
}
