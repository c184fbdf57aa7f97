//! What the baggage of a request says from here on: versions of restored blocks, and a place in a train.

use serin_proto::assignment::{ArmIndex, BAGGAGE_HEADER};

use crate::arms::Decision;
use crate::baggage::{Baggage, Blocks};
use crate::request::RequestView;
use crate::router::Router;
use crate::train::Train;

/// The header is read only where a block or a train asks for it.
pub(super) fn carried(
    router: &Router,
    decision: &Decision<'_>,
    view: &impl RequestView,
    minute: u64,
) -> Baggage {
    let train = router.service(decision.at).and_then(|service| service.train.as_ref());
    let blocks = router.component(decision.at).map(|component| &component.blocks);
    let blocks = blocks.filter(|blocks| !blocks.is_empty());
    if blocks.is_none() && train.is_none() {
        return Baggage::Keep;
    }
    let member = |train: &Train| {
        let on_canary = decision.on_train || decision.arm == train.arm();
        on_canary.then(|| train.member(minute))
    };
    let (member, none) = (train.map(member), Blocks::default());
    let member = member.as_ref().map(Option::as_deref);
    let to_baseline = decision.arm == ArmIndex::BASELINE;
    blocks.unwrap_or(&none).baggage(view.header(BAGGAGE_HEADER), to_baseline, member)
}
