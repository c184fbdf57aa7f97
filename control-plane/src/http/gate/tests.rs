use super::*;
use crate::config::{Listener, Token};

fn listener(tokens: &[(&str, &str)]) -> Listener {
    let tokens = tokens.iter().map(|(name, secret)| Token::new((*name).to_owned(), (*secret).to_owned()));
    Listener { address: ([127, 0, 0, 1], 0).into(), tls: None, tokens: tokens.collect() }
}

fn gate(http: &[(&str, &str)], admin: &[(&str, &str)]) -> Gate {
    let (http, admin) = (listener(http), listener(admin));
    Gate::new(Access::new(&http.tokens), Access::of_acts(&http, &admin), false)
}

fn with(name: &'static str, value: &str) -> HeaderMap {
    [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect()
}

const SDK: (&str, &str) = ("sdk", "token-of-the-http-listener");
const OPS: (&str, &str) = ("ops", "token-of-the-admin-listener");

#[test]
fn without_tokens_everyone_acts_by_the_name_they_give() {
    let (gate, now) = (gate(&[], &[]), Instant::now());
    let who = gate.who(&with("x-serin-actor", "anna"), now);
    assert_eq!((who.viewer, who.may_read, who.actor.unwrap().0.as_str()), (Viewer::Everyone, true, "anna"));
}

#[test]
fn a_token_of_the_admin_listener_acts_and_one_of_the_http_listener_only_reads() {
    let (gate, now) = (gate(&[SDK], &[OPS]), Instant::now());
    let nobody = gate.who(&HeaderMap::new(), now);
    assert_eq!((nobody.viewer, nobody.may_read, nobody.actor), (Viewer::Reader, false, None));
    let reader = gate.who(&with("authorization", &format!("Bearer {}", SDK.1)), now);
    assert_eq!((reader.may_read, reader.actor), (true, None));
    let program = gate.who(&with("authorization", &format!("Bearer {}", OPS.1)), now);
    assert_eq!(program.actor.unwrap().0, "ops");
    for ((_, token), may_act) in [(OPS, true), (SDK, false)] {
        let (id, session) = gate.sign_in(token, Some("anna"), None, now).unwrap();
        assert_eq!(session.may_act, may_act);
        let who = gate.who(&with("cookie", &format!("other=1; {COOKIE}={id}")), now);
        assert!(who.may_read);
        assert_eq!(who.actor.map(|actor| actor.0), may_act.then(|| "anna (token ops)".to_owned()));
        gate.sign_out(who.session.unwrap());
        assert!(!gate.who(&with("cookie", &format!("{COOKIE}={id}")), now).may_read);
    }
}

#[test]
fn a_wrong_token_and_an_impossible_name_sign_nobody_in() {
    let (gate, now) = (gate(&[], &[OPS]), Instant::now());
    assert_eq!(gate.sign_in(OPS.1, Some("serin"), None, now).unwrap_err(), NotSignedIn::Name);
    assert_eq!(gate.sign_in(OPS.1, Some("a\nb"), None, now).unwrap_err(), NotSignedIn::Name);
    for _ in 0..10 {
        assert_eq!(gate.sign_in("wrong", None, None, now).unwrap_err(), NotSignedIn::Wrong);
    }
    assert_eq!(gate.sign_in(OPS.1, None, None, now).unwrap_err(), NotSignedIn::TooMany);
}

#[test]
fn where_only_the_http_listener_asks_nobody_acts() {
    let (gate, now) = (gate(&[SDK], &[]), Instant::now());
    let reader = gate.who(&with("authorization", &format!("Bearer {}", SDK.1)), now);
    assert_eq!((reader.viewer, reader.may_read, reader.actor), (Viewer::OnlyReader, true, None));
}
