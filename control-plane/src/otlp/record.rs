//! What is read of log records: the few fields and attributes that say what failed, where and when. The attributes are
//! those of spans, too.

use std::borrow::Cow;

use super::count::Fate;

/// Lowest severity number of an error.
const ERROR: i32 = 17;
/// Records of one request that may count.
pub(super) const RECORDS_MAX: usize = 16_384;
/// Records of one request that name no block and may be shown.
const UNNAMED_MAX: usize = 64;

/// The attributes that are looked at, of a record or of a resource.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Attributes<'a> {
    pub(super) block: Option<Cow<'a, str>>,
    pub(super) function: Option<Cow<'a, str>>,
    pub(super) service: Option<Cow<'a, str>>,
    pub(super) service_name: Option<Cow<'a, str>>,
    pub(super) component: Option<Cow<'a, str>>,
    pub(super) arm: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    pub(super) route: Option<Cow<'a, str>>,
    pub(super) path: Option<Cow<'a, str>>,
    pub(super) method: Option<Cow<'a, str>>,
    /// The request's own header.
    pub(super) arm_header: Option<Cow<'a, str>>,
    pub(super) has_exception: bool,
    /// What the exception says.
    pub(super) exception: Option<Cow<'a, str>>,
    pub(super) exception_type: Option<Cow<'a, str>>,
}

impl<'a> Attributes<'a> {
    /// Whether an attribute of this name is looked at.
    pub(super) fn knows(key: &str) -> bool {
        Self::default().place(key).is_some()
    }

    /// Takes an attribute over. `None`: its value is no text.
    pub(super) fn set(&mut self, key: &str, value: Option<Cow<'a, str>>) {
        self.has_exception |= is_exception(key);
        if let (Some(place), Some(value)) = (self.place(key), value) {
            *place = Some(value);
        }
    }

    fn place(&mut self, key: &str) -> Option<&mut Option<Cow<'a, str>>> {
        Some(match key {
            "serin.block" => &mut self.block,
            "code.function.name" => &mut self.function,
            "serin.service" => &mut self.service,
            "service.name" => &mut self.service_name,
            "serin.component" => &mut self.component,
            "serin.arm" => &mut self.arm,
            "service.version" => &mut self.version,
            "http.route" => &mut self.route,
            // The second name of each is that of conventions before 1.23.
            "url.path" | "http.target" => &mut self.path,
            "http.request.method" | "http.method" => &mut self.method,
            "http.request.header.x-serin-arm" => &mut self.arm_header,
            "exception.message" => &mut self.exception,
            "exception.type" => &mut self.exception_type,
            _ => return None,
        })
    }
}

fn is_exception(key: &str) -> bool {
    matches!(key, "exception.type" | "exception.message")
}

/// A log record.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Record<'a> {
    /// Unix time in ns at which it was written. 0: not known.
    pub(super) time_ns: u64,
    /// Unix time in ns at which it was first seen. 0: not known.
    pub(super) observed_ns: u64,
    pub(super) severity: i32,
    /// 0: none.
    pub(super) trace: u128,
    /// 0: none.
    pub(super) span: u64,
    pub(super) attributes: Attributes<'a>,
    /// What it says, as text. Only shown, and only once secrets are masked.
    pub(super) body: Option<Cow<'a, str>>,
}

/// A record as a line of the log, whatever its severity.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) time_ns: u64,
    pub(super) severity: i32,
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) service: Option<Cow<'a, str>>,
    pub(super) arm: Option<Cow<'a, str>>,
    pub(super) exception_type: Option<Cow<'a, str>>,
    /// Empty: it says nothing that could be grouped.
    pub(super) body: Cow<'a, str>,
}

impl<'a> Line<'a> {
    fn of(record: &Record<'a>) -> Self {
        let attributes = &record.attributes;
        let exception = || attributes.exception.clone().or_else(|| attributes.exception_type.clone());
        let body = record.body.clone().or_else(exception).unwrap_or_default();
        Self {
            time_ns: [record.time_ns, record.observed_ns].into_iter().find(|ns| *ns > 0).unwrap_or_default(),
            severity: record.severity,
            trace: record.trace,
            span: record.span,
            service: attributes.service.clone(),
            arm: attributes.arm.clone(),
            exception_type: attributes.exception_type.clone(),
            body,
        }
    }
}

/// The records of one resource.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Group<'a> {
    pub(super) resource: Attributes<'a>,
    /// Those that may count as failures of blocks.
    pub(super) records: Vec<Record<'a>>,
    /// All of them as lines.
    pub(super) lines: Vec<Line<'a>>,
    /// Some of those that name no block, to be shown.
    pub(super) unnamed: Vec<Record<'a>>,
}

/// What a request holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Gathered<'a> {
    pub(super) groups: Vec<Group<'a>>,
    /// Records that cannot count.
    pub(super) not_errors: u64,
    pub(super) without_block: u64,
    pub(super) beyond_bound: u64,
    pub(super) lines_beyond_bound: u64,
    /// Records of the group that is being read.
    open: Vec<Record<'a>>,
    unnamed: Vec<Record<'a>>,
    lines: Vec<Line<'a>>,
    lines_kept: usize,
    kept: usize,
    unnamed_kept: usize,
}

impl<'a> Gathered<'a> {
    /// Keeps a record that may count; it belongs to the resource that [`Self::close`] names next.
    pub(super) fn add(&mut self, record: Record<'a>) {
        self.keep_line(Line::of(&record));
        let Attributes { block, function, has_exception, .. } = &record.attributes;
        let count = if record.severity < ERROR && !has_exception {
            &mut self.not_errors
        } else if block.is_none() && function.is_none() {
            if self.unnamed_kept < UNNAMED_MAX {
                self.unnamed_kept += 1;
                self.unnamed.push(record);
            }
            &mut self.without_block
        } else {
            return self.keep(record);
        };
        *count += 1;
    }

    fn keep_line(&mut self, line: Line<'a>) {
        if self.lines_kept >= RECORDS_MAX {
            self.lines_beyond_bound += 1;
            return;
        }
        self.lines_kept += 1;
        self.lines.push(line);
    }

    fn keep(&mut self, record: Record<'a>) {
        if self.kept >= RECORDS_MAX {
            self.beyond_bound += 1;
            return;
        }
        self.kept += 1;
        self.open.push(record);
    }

    /// Adds the records of another that were not closed.
    pub(super) fn absorb(&mut self, other: Self) {
        self.not_errors += other.not_errors;
        self.without_block += other.without_block;
        self.beyond_bound += other.beyond_bound;
        self.lines_beyond_bound += other.lines_beyond_bound;
        other.open.into_iter().for_each(|record| self.keep(record));
        other.lines.into_iter().for_each(|line| self.keep_line(line));
        let room = UNNAMED_MAX.saturating_sub(self.unnamed_kept).min(other.unnamed.len());
        self.unnamed_kept += room;
        self.unnamed.extend(other.unnamed.into_iter().take(room));
    }

    /// All records since the last call are of this resource.
    pub(super) fn close(&mut self, resource: Attributes<'a>) {
        if !self.open.is_empty() || !self.unnamed.is_empty() || !self.lines.is_empty() {
            let (records, unnamed) = (std::mem::take(&mut self.open), std::mem::take(&mut self.unnamed));
            let lines = std::mem::take(&mut self.lines);
            self.groups.push(Group { resource, records, unnamed, lines });
        }
    }

    /// Records that cannot count, by reason.
    pub(super) fn left_out(&self) -> [(Fate, u64); 3] {
        [
            (Fate::NotError, self.not_errors),
            (Fate::NoBlock, self.without_block),
            (Fate::Overflow, self.beyond_bound),
        ]
    }
}
