//! One rollout after another.

use super::*;

#[test]
fn a_newer_rollout_ends_this_one() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 superseded r-1 -> | progressing 10 %
        12 superseded r-2 -> [Rollout r-2 took over] publish info | failed 0 %
        13 superseded r-2 -> | failed 0 %
        14 healthy -> | failed 0 %
        15 rollback -> refused: cannot rollback this rollout: rollout r-2 took over; act on that one | failed 0 %
        ",
    );
}

#[test]
fn a_newer_rollout_leaves_a_promoted_one_promoted() {
    check(
        r"
        1 promote -> [Promoted: because] publish info | promoted 100 %
        2 superseded r-2 -> [Rollout r-2 took over] info | promoted 100 %
        3 rollback -> refused: cannot rollback this rollout: rollout r-2 took over; act on that one | promoted 100 %
        ",
    );
}
