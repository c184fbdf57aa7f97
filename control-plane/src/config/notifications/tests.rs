use std::path::Path;

use serin_notify::{Kind, MailTls};
use serin_rollout::Severity;

use crate::config::{Config, ConfigError};

/// Files of secrets, which the names in `yaml` stand for.
fn parse(yaml: &str, insecure: bool) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let authority = rcgen::generate_simple_self_signed(vec!["mail.example".to_owned()]).unwrap();
    let files = [
        ("SLACK", "https://hooks.slack.com/services/T0/B0/secret\n".to_owned()),
        ("PLAIN", "http://hooks.example/secret".to_owned()),
        ("SECRET", "0123456789abcdef0123".to_owned()),
        ("SHORT", "short".to_owned()),
        ("EMPTY", " \n".to_owned()),
        ("CA", authority.cert.pem()),
    ];
    let mut yaml = yaml.to_owned();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        yaml = yaml.replace(&format!("@{name}"), path.to_str().unwrap());
    }
    Config::parse(&yaml, insecure)
}

const EVERYTHING: &str = "
notifications:
  public_url: https://serin.example/
  targets:
    ops-slack: {slack: {url_file: @SLACK}}
    oncall: {pagerduty: {routing_key_file: @SECRET}}
    mail: {email: {host: mail.example, from: serin@shop.example, to: [ops@shop.example], username: serin, password_file: @SECRET, ca: @CA}}
    teams: {teams: {url_file: @SLACK}}
    hook: {webhook: {url: 'http://hook.internal/serin', secret_file: @SECRET}}
    events: {cdevents: {url: 'https://events.example/', environment: staging}}
  routes:
    - {severity: critical, to: [oncall, ops-slack], continue: true}
    - {owner: 'payments@*', service: shop, kinds: [rolled_back, held], to: [mail]}
    - {to: []}
  group: {wait: 1s, interval: 1m}
  limits: {per_target_per_minute: 60, attempts: 3, keep_dead: 10}
";

#[test]
fn every_field_is_taken_over() {
    let config = parse(EVERYTHING, false).unwrap().notifications;
    assert_eq!(config.context.public_url.as_deref(), Some("https://serin.example"));
    let kinds: Vec<_> =
        config.targets.iter().map(|target| (target.name.as_str(), target.kind.name())).collect();
    let expected = [
        ("events", "cdevents"),
        ("hook", "webhook"),
        ("mail", "email"),
        ("oncall", "pagerduty"),
        ("ops-slack", "slack"),
        ("teams", "teams"),
    ];
    assert_eq!(kinds, expected);
    let Kind::Mail(mail) = &config.targets[2].kind else { panic!() };
    assert_eq!((mail.port, mail.tls, mail.to.len(), mail.login.is_some()), (587, MailTls::Starttls, 1, true));
    let Kind::PagerDuty(pagerduty) = &config.targets[3].kind else { panic!() };
    assert_eq!(pagerduty.url.as_str(), "https://events.pagerduty.com/v2/enqueue");
    let Kind::CdEvents(events) = &config.targets[0].kind else { panic!() };
    assert_eq!((events.environment.as_str(), events.source.as_str()), ("staging", "https://serin.example"));
    let routes = &config.routes.0;
    assert_eq!((routes.len(), routes[0].severity, routes[0].goes_on), (3, Some(Severity::Critical), true));
    assert_eq!((routes[1].kinds.len(), routes[1].to.len(), routes[2].to.len()), (2, 1, 0));
    assert_eq!((config.grouping.wait.as_secs(), config.grouping.interval.as_secs()), (1, 60));
    assert!(config.grouping.streams.contains("events"));
    assert_eq!(
        (config.limits.per_target_per_minute, config.limits.attempts, config.limits.keep_dead),
        (60, 3, 10)
    );
    let shown = format!("{config:?}");
    assert!(!shown.contains("secret") && !shown.contains("0123456789"), "{shown}");
}

#[test]
fn without_a_word_nobody_is_told() {
    let config = parse("{}", false).unwrap().notifications;
    assert!(config.targets.is_empty() && config.routes.0.is_empty());
    let config = parse("notifications: {}", false).unwrap().notifications;
    assert_eq!((config.grouping.wait.as_secs(), config.grouping.interval.as_secs()), (5, 300));
    assert_eq!(
        (config.limits.per_target_per_minute, config.limits.attempts, config.limits.keep_dead),
        (20, 12, 1_000)
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_wrong_is_named_with_its_field_and_rule() {
    let target = |target: &str| format!("notifications: {{targets: {{a: {target}}}}}");
    let mail =
        |fields: &str| target(&format!("{{email: {{from: a@b.example, to: [c@d.example], {fields}}}}}"));
    let route = |route: &str| {
        format!("notifications: {{targets: {{a: {{slack: {{url_file: @SLACK}}}}}}, routes: [{route}]}}")
    };
    for (yaml, words) in [
        ("notifications: {target: {}}".to_owned(), "1:17: unknown field `target`"),
        (
            "notifications: {public_url: serin.example}".to_owned(),
            "notifications.public_url: must be an http://",
        ),
        (
            "notifications: {public_url: 'https://a/?b'}".to_owned(),
            "notifications.public_url: must not hold a query",
        ),
        (
            "notifications: {targets: {A: {slack: {url_file: @SLACK}}}}".to_owned(),
            "notifications.targets.A: must be 1 to 63 lower-case",
        ),
        (target("{pager: {}}"), "unknown variant `pager`"),
        (target("{slack: {url: x}}"), "unknown field `url`"),
        (
            target("{slack: {url_file: /nowhere/x}}"),
            "notifications.targets.a.slack.url_file: /nowhere/x: No such file",
        ),
        (target("{slack: {url_file: @EMPTY}}"), "notifications.targets.a.slack.url_file: must not be empty"),
        (
            target("{slack: {url_file: @PLAIN}}"),
            "notifications.targets.a.slack.url_file: must be https:// beyond this machine",
        ),
        (
            target("{pagerduty: {routing_key_file: @SECRET, url: 'http://pager.example'}}"),
            "pagerduty.url: must be https://",
        ),
        (
            target("{webhook: {url: 'ftp://x'}}"),
            "notifications.targets.a.webhook.url: must be an http:// or https://",
        ),
        (target("{webhook: {url: 'http://x', secret_file: @SHORT}}"), "a key must hold 16 to 4096 bytes"),
        (target("{cdevents: {url: 'http://x', environment: ''}}"), "cdevents.environment: must not be empty"),
        (mail("host: ''"), "notifications.targets.a.email.host: must not be empty"),
        (
            mail("host: mail.example, tls: none"),
            "email.tls: must be starttls or implicit beyond this machine",
        ),
        (mail("host: mail.example, tls: ssl"), "unknown variant `ssl`"),
        (mail("host: mail.example, username: x"), "email.username: username and password_file go together"),
        (mail("host: mail.example, ca: @SECRET"), "notifications.targets.a.email.ca: "),
        (
            target("{email: {host: x, from: nobody, to: [c@d.example]}}"),
            "notifications.targets.a.email.from: \"nobody\"",
        ),
        (target("{email: {host: x, from: a@b.example, to: []}}"), "email.to: must be 1 to 50 addresses"),
        (target("{email: {host: x, from: a@b.example, to: ['x\r\nBcc: y@z.example']}}"), "email.to: "),
        (route("{to: [b]}"), "notifications.routes[0].to: there is no target named \"b\""),
        (route("{severity: urgent, to: [a]}"), "unknown variant `urgent`"),
        (
            route("{to: []}, {kinds: [rolledback], to: [a]}"),
            "notifications.routes[1].kinds: unknown variant `rolledback`, expected one of `created`",
        ),
        (route("{owner: '', to: [a]}"), "notifications.routes[0].owner: must be 1 to 256 bytes"),
        (
            "notifications: {group: {wait: 6m}}".to_owned(),
            "notifications.group.wait: must be a duration of at most 5m",
        ),
        (
            "notifications: {group: {interval: 9s}}".to_owned(),
            "notifications.group.interval: must be a duration of 10s to 24h",
        ),
        ("notifications: {group: {wait: 5m, interval: 4m}}".to_owned(), "not below group.wait"),
        (
            "notifications: {limits: {attempts: 0}}".to_owned(),
            "notifications.limits.attempts: must be between 1 and 50",
        ),
        ("notifications: {limits: {per_target_per_minute: 601}}".to_owned(), "must be between 1 and 600"),
        (
            "notifications: {limits: {keep_dead: 100001}}".to_owned(),
            "notifications.limits.keep_dead: must be at most 100000",
        ),
    ] {
        let error = parse(&yaml, false).unwrap_err().to_string();
        assert!(error.contains(words), "{yaml} gives {error:?}, not {words:?}");
    }
}

#[test]
fn plain_text_is_for_this_machine_or_for_those_who_say_so() {
    let local = "notifications: {targets: {a: {email: {host: localhost, tls: none, from: a@b.example, to: [c@d.example]}}}}";
    assert!(parse(local, false).is_ok());
    let elsewhere = local.replace("localhost", "mail.example");
    assert!(parse(&elsewhere, true).is_ok());
    assert!(parse("notifications: {targets: {a: {slack: {url_file: @PLAIN}}}}", true).is_ok());
}

#[test]
fn the_samples_of_the_page_on_notifications_are_accepted() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/notifications.md");
    let page = std::fs::read_to_string(page).unwrap();
    let samples = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut parsed = 0;
    for sample in samples {
        let sample = sample
            .replace("/etc/serin/slack-url", "@SLACK")
            .replace("/etc/serin/teams-url", "@SLACK")
            .replace("/etc/serin/pagerduty-key", "@SECRET")
            .replace("/etc/serin/smtp-password", "@SECRET")
            .replace("/etc/serin/hook-secret", "@SECRET")
            .replace("/etc/serin/ca.pem", "@CA");
        parse(&sample, false).unwrap();
        parsed += 1;
    }
    assert!(parsed >= 1, "only {parsed} samples were found");
}
