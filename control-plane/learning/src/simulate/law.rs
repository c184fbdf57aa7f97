//! The law: what differs between a canary and its baseline, and how services are.

use crate::outcome::Truth;
use serin_random::Random;

/// Services of a year.
pub const SERVICES: [&str; 12] = [
    "cart", "catalog", "checkout", "delivery", "identity", "mail", "orders", "payment", "prices", "profile",
    "search", "stock",
];
/// People who say what is true; each looks after two services.
pub const PERSONS: [&str; 6] = ["ada", "ben", "cleo", "dora", "emil", "finn"];

/// What is different in a canary.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Difference {
    /// Nothing but noise.
    None,
    /// A new line that reads like a failure and is none, on few requests.
    ChattyLine,
    /// Pages that show more and take longer, as was meant.
    HeavierPage,
    /// A redesign that converts a little less, as was accepted.
    Redesign,
    /// A script of somebody else that fails and that nobody misses.
    ForeignScript,
    /// An exception on some requests.
    Exception,
    /// Pages that load slowly.
    SlowPage,
    /// A page on which people cannot finish.
    LostConversion,
    /// Scripts that fail.
    BrokenScript,
    /// Something that does not react to clicks.
    DeadButton,
    /// Pages that people leave.
    BlankPage,
    /// Requests that fail.
    FailedRequests,
}

impl Difference {
    /// What is true of a canary with it.
    #[must_use]
    pub const fn truth(self) -> Truth {
        match self {
            Self::None | Self::ChattyLine | Self::HeavierPage | Self::Redesign | Self::ForeignScript => {
                Truth::Harmless
            }
            Self::Exception
            | Self::SlowPage
            | Self::LostConversion
            | Self::BrokenScript
            | Self::DeadButton
            | Self::BlankPage
            | Self::FailedRequests => Truth::Harmful,
        }
    }

    pub(super) fn draw(random: &mut Random) -> Self {
        // In percent of all rollouts: 18 differ without harm, 16 are faulty.
        const LAW: [(f64, Difference); 11] = [
            (6.0, Difference::ChattyLine),
            (5.0, Difference::HeavierPage),
            (4.0, Difference::Redesign),
            (3.0, Difference::ForeignScript),
            (4.0, Difference::Exception),
            (2.0, Difference::SlowPage),
            (2.0, Difference::LostConversion),
            (2.0, Difference::BrokenScript),
            (2.0, Difference::DeadButton),
            (2.0, Difference::BlankPage),
            (2.0, Difference::FailedRequests),
        ];
        let mut left = 100.0 * random.unit();
        for (percent, difference) in LAW {
            left -= percent;
            if left < 0.0 {
                return difference;
            }
        }
        Self::None
    }
}

/// Shares of one arm: of requests, of those with a line, and of page views.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shares {
    pub(super) failed: f64,
    /// Requests with a line that both versions write.
    pub(super) usual_line: f64,
    /// Requests with a line that only the canary writes.
    pub(super) new_line: f64,
    pub(super) script_error: f64,
    pub(super) rage_click: f64,
    pub(super) abandoned: f64,
    pub(super) slow: f64,
    pub(super) converted: f64,
}

impl Shares {
    /// Those of a service.
    pub(super) fn of_service(random: &mut Random) -> Self {
        let mut around = |median: f64, deviation: f64| median * libm::exp(deviation * random.normal());
        Self {
            failed: around(0.004, 0.4),
            usual_line: around(0.003, 0.4),
            new_line: 0.0,
            script_error: around(0.01, 0.3),
            rage_click: around(0.01, 0.3),
            abandoned: around(0.05, 0.2),
            // Slow is what nine of ten of the baseline's are not.
            slow: 0.1,
            converted: around(0.2, 0.2),
        }
    }

    /// Those of a canary that differs from it: by noise of 2 % in each, and by the difference.
    pub(super) fn of_canary(self, difference: Difference, random: &mut Random) -> Self {
        let mut noisy = |share: f64| share * libm::exp(0.02 * random.normal());
        let mut canary = Self {
            failed: noisy(self.failed),
            usual_line: noisy(self.usual_line),
            new_line: 0.0,
            script_error: noisy(self.script_error),
            rage_click: noisy(self.rage_click),
            abandoned: noisy(self.abandoned),
            slow: noisy(self.slow),
            converted: noisy(self.converted),
        };
        let mut log = |least: f64, most: f64| random.log_between(least, most);
        match difference {
            Difference::None => {}
            Difference::ChattyLine => canary.new_line = log(0.000_4, 0.001_2),
            Difference::HeavierPage => canary.slow = log(0.119, 0.133),
            Difference::Redesign => canary.converted *= log(0.885, 0.93),
            Difference::ForeignScript => canary.script_error += log(0.004, 0.007),
            Difference::Exception => canary.new_line = log(0.002, 0.05),
            Difference::SlowPage => canary.slow = log(0.15, 0.4),
            Difference::LostConversion => canary.converted *= log(0.4, 0.86),
            Difference::BrokenScript => canary.script_error += log(0.008, 0.1),
            Difference::DeadButton => canary.rage_click += log(0.004, 0.03),
            Difference::BlankPage => canary.abandoned *= log(1.15, 2.0),
            Difference::FailedRequests => canary.failed += log(0.003, 0.03),
        }
        canary
    }
}
