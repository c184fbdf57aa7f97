use super::*;
use crate::Plan;

fn calendar(yaml: &str) -> Calendar {
    let plan = format!("service: shop\nbaseline: v1\ncanary: v2\ncalendar:\n{yaml}");
    Plan::parse(&plan).unwrap_or_else(|error| panic!("{error}")).calendar().clone()
}

/// The moment that UTC's clock shows so.
fn utc(text: &str) -> UnixMillis {
    let civil: DateTime = text.parse().unwrap();
    UnixMillis(TimeZone::UTC.to_timestamp(civil).unwrap().as_millisecond() as u64)
}

fn open(calendar: &Calendar, at: &str) -> Vec<String> {
    calendar.open(utc(at)).map(|window| window.name().to_owned()).collect()
}

/// Python's `zoneinfo`: zone, Unix time, what the clock shows, and the day of the week from Monday, 1. Around the changes of the
/// clock from 2024 to 2030, and at random.
#[test]
fn the_clock_shows_what_pythons_zoneinfo_says() {
    let mut checked = 0;
    for line in include_str!("tests/zoneinfo.txt").lines() {
        let mut fields = line.split(' ');
        let mut next = || fields.next().unwrap();
        let calendar = calendar(&format!("  zone: {}\n", next()));
        let clock = calendar.clock(UnixMillis(next().parse::<u64>().unwrap() * 1_000));
        assert_eq!(clock.to_string(), next(), "{line}");
        assert_eq!(clock.weekday().to_monday_one_offset().to_string(), next(), "{line}");
        checked += 1;
    }
    assert!(checked >= 300, "{checked} lines");
}

/// Python: `datetime.fromisoformat(…).replace(tzinfo=ZoneInfo(…)).timestamp()`.
#[test]
fn a_moment_that_comes_twice_is_the_first_and_one_that_never_comes_is_the_time_after() {
    for (zone, civil, unix) in [
        ("Europe/Amsterdam", "2026-10-25T02:30", 1_792_888_200),
        ("Europe/Amsterdam", "2026-03-29T02:30", 1_774_747_800),
        ("America/New_York", "2026-11-01T01:30", 1_793_511_000),
        ("America/New_York", "2026-03-08T02:15", 1_772_954_100),
        ("Australia/Lord_Howe", "2026-04-05T01:45", 1_775_313_900),
        ("Asia/Kolkata", "2026-06-01T00:00", 1_780_252_200),
        ("UTC", "2027-01-01T00:00", 1_798_761_600),
    ] {
        let calendar =
            calendar(&format!("  zone: {zone}\n  windows: [{{name: w, from: '{civil}', effect: hold}}]\n"));
        let window = &calendar.windows()[0];
        assert_eq!(window.span.0, Some(UnixMillis(unix * 1_000)), "{zone} {civil}");
    }
}

const WEEK: &str = "
  zone: Europe/Amsterdam
  windows:
    - {name: freeze, from: 2026-12-20T00:00, to: 2027-01-04T00:00, effect: forbid}
    - {name: office, days: [mon-fri], hours: '09:00-17:00', effect: {stricter: {error_rate: 0.5%}}}
    - {name: nights, days: [fri, sat], hours: '22:00-06:00', effect: hold}
    - {name: weekend, days: [fri-mon, wed], effect: hold}
    - {name: all-day, hours: '00:00-24:00', days: [tue], effect: hold}
";

#[test]
fn windows_are_open_by_the_clock_of_their_zone() {
    let calendar = calendar(WEEK);
    for (at, expected) in [
        // In winter Amsterdam is an hour ahead of UTC: Tuesday, 24 November 2026.
        ("2026-11-24T07:59:59", "all-day"),
        ("2026-11-24T08:00:00", "office all-day"),
        ("2026-11-24T15:59:59", "office all-day"),
        ("2026-11-24T16:00:00", "all-day"),
        ("2026-11-24T23:00:00", "weekend"),
        // In summer two hours: Tuesday, 21 July.
        ("2026-07-21T06:59:59", "all-day"),
        ("2026-07-21T07:00:00", "office all-day"),
        // Friday, 27 November, to Sunday: the hours after midnight belong to the day before.
        ("2026-11-26T23:30:00", "weekend"),
        ("2026-11-27T20:59:59", "weekend"),
        ("2026-11-27T21:00:00", "nights weekend"),
        ("2026-11-28T04:59:59", "nights weekend"),
        ("2026-11-28T05:00:00", "weekend"),
        ("2026-11-29T04:00:00", "nights weekend"),
        ("2026-11-29T22:00:00", "weekend"),
        // Monday is in, Tuesday is not, Thursday neither.
        ("2026-11-30T12:00:00", "office weekend"),
        ("2026-11-26T12:00:00", "office"),
        // The freeze begins at midnight in Amsterdam, on a Sunday.
        ("2026-12-19T22:59:59", "nights weekend"),
        ("2026-12-19T23:00:00", "freeze nights weekend"),
        ("2027-01-03T22:59:59", "freeze weekend"),
        ("2027-01-03T23:00:00", "weekend"),
    ] {
        assert_eq!(open(&calendar, at).join(" "), expected, "{at}");
    }
}

/// Where the clock is put back, the hour from 2 to 3 comes twice and is open twice; where it is put forward, it never comes.
#[test]
fn an_hour_that_comes_twice_is_open_twice_and_one_that_is_left_out_never() {
    let calendar =
        calendar("  zone: Europe/Amsterdam\n  windows: [{name: w, hours: '02:00-03:00', effect: hold}]\n");
    let minutes = |from: &str| {
        let from = utc(from).0;
        (0..6 * 60).filter(|minute| calendar.open(UnixMillis(from + minute * 60_000)).count() > 0).count()
    };
    assert_eq!(minutes("2026-10-24T22:00:00"), 120);
    assert_eq!(minutes("2026-03-28T22:00:00"), 0);
    assert_eq!(minutes("2026-11-23T22:00:00"), 60);
}

#[test]
fn a_window_tells_when_it_closes() {
    let calendar = calendar(WEEK);
    for (name, from, expected) in [
        ("office", "2026-11-24T08:30:10", Some("2026-11-24T16:00:00")),
        ("nights", "2026-11-27T21:00:00", Some("2026-11-28T05:00:00")),
        ("weekend", "2026-11-27T12:00:00", Some("2026-11-30T23:00:00")),
        ("freeze", "2026-12-24T00:00:00", Some("2027-01-03T23:00:00")),
        ("nothing", "2026-12-24T00:00:00", None),
    ] {
        assert_eq!(calendar.closes(name, utc(from)), expected.map(utc), "{name}");
    }
}

#[test]
fn open_windows_tighten_limits_and_never_loosen_them() {
    let calendar = calendar(
        "  windows:\n    - {name: a, days: [mon], effect: {stricter: {error_rate: 0.5%, success_rate: 99%}}}\n    \
         - {name: b, days: [mon-tue], effect: {stricter: {error_rate: 2%, latency_p99: 300ms}}}\n",
    );
    let limits = *Plan::parse("service: shop\nbaseline: v1\ncanary: v2\n").unwrap().limits();
    let tight = |at: &str| {
        let tight = calendar.tightened(&limits, utc(at));
        (tight.error_rate.ppm(), tight.success_rate.ppm(), tight.latency_p99.as_millis())
    };
    assert_eq!(tight("2026-11-23T12:00:00"), (5_000, 990_000, 300));
    assert_eq!(tight("2026-11-24T12:00:00"), (10_000, 950_000, 300));
    assert_eq!(tight("2026-11-25T12:00:00"), (10_000, 950_000, 1_000));
}

#[test]
fn any_moment_has_an_answer() {
    let calendar = calendar(WEEK);
    for at in [0, 1, 999, 253_402_300_799_999, 253_402_300_800_000, u64::MAX] {
        let _ = calendar.open(UnixMillis(at)).count();
    }
}

#[test]
fn open_windows_tighten_margins_and_never_loosen_them() {
    let calendar = calendar(
        "  windows:\n    - {name: a, days: [mon], effect: {stricter: {margins: {error_ratio: 1.05, latency_ratio: 5%}}}}\n    \
         - {name: b, days: [mon-tue], effect: {stricter: {error_rate: 2%, margins: {error_ratio: 3, error_absolute: 0.01%}}}}\n",
    );
    let margins = *Plan::parse("service: shop\nbaseline: v1\ncanary: v2\n").unwrap().margins();
    let tight = |at: &str| {
        let tight = calendar.tightened_margins(&margins, utc(at));
        (tight.error_ratio, tight.error_absolute.ppm(), tight.latency_ratio.ppm())
    };
    assert_eq!(tight("2026-11-23T12:00:00"), (1.05, 100, 50_000));
    assert_eq!(tight("2026-11-24T12:00:00"), (1.1, 100, 100_000));
    assert_eq!(tight("2026-11-25T12:00:00"), (1.1, 500, 100_000));
}
