//! What became of the reports that were sent.

use prost::Message;
use serin_proto::fleet::v1 as wire;

use super::Filter;
use crate::report::Answer;

impl Filter {
    /// The call of the last dispatch was made, or could not be.
    pub fn called(&mut self, token: Option<u32>, now_ns: u64) {
        let draw = self.draws.next();
        let answer = self.reporter.called(now_ns, token, draw);
        self.settle(answer);
    }

    /// A call was answered with an encoded `ReportResponse`.
    pub fn acknowledged(&mut self, token: u32, response: &[u8], now_ns: u64) {
        let seq = wire::ReportResponse::decode(response).map_or(0, |response| response.seq);
        let draw = self.draws.next();
        let answer = self.reporter.acknowledged(now_ns, token, seq, draw);
        self.settle(answer);
    }

    /// A call ended with a gRPC status.
    pub fn closed(&mut self, token: u32, status: u32, now_ns: u64) {
        let draw = self.draws.next();
        let answer = self.reporter.closed(now_ns, token, status, draw);
        self.settle(answer);
    }

    pub(super) fn settle(&mut self, answer: Answer) {
        match answer {
            Answer::Unknown => {}
            Answer::Acknowledged => self.totals.reports_sent += 1,
            Answer::Failed => self.totals.reports_failed += 1,
            Answer::Refused => {
                self.totals.reports_failed += 1;
                self.recorder.refused();
            }
        }
    }
}
