use super::*;

fn access(tokens: &[(&str, &str)]) -> Access {
    let tokens: Vec<_> =
        tokens.iter().map(|(name, secret)| Token::new((*name).to_owned(), (*secret).to_owned())).collect();
    Access::new(&tokens)
}

fn admitted(access: &Access, metadata: &[(&'static str, &'static str)]) -> Result<String, tonic::Code> {
    let mut request = Request::new(());
    for (key, value) in metadata {
        request.metadata_mut().insert(*key, value.parse().unwrap());
    }
    let request = access.admit(request).map_err(|status| status.code())?;
    Ok(request.extensions().get::<Actor>().unwrap().0.clone())
}

#[test]
fn without_tokens_everyone_is_who_they_say() {
    let open = access(&[]);
    assert_eq!(admitted(&open, &[]).unwrap(), "unknown");
    assert_eq!(admitted(&open, &[("x-serin-actor", "anna")]).unwrap(), "anna");
}

#[test]
fn with_tokens_only_their_holders_pass_and_vouch_for_names() {
    let guarded = access(&[("ci", "first-secret-0123"), ("ops", "second-secret-012")]);
    let bearer = |secret| ("authorization", secret);
    assert_eq!(admitted(&guarded, &[bearer("Bearer second-secret-012")]).unwrap(), "ops");
    let named = [bearer("bearer first-secret-0123"), ("x-serin-actor", "anna")];
    assert_eq!(admitted(&guarded, &named).unwrap(), "anna (token ci)");
    for wrong in
        ["", "Bearer", "Bearer ", "Bearer first-secret-012", "Basic first-secret-0123", "first-secret-0123"]
    {
        assert_eq!(admitted(&guarded, &[bearer(wrong)]), Err(tonic::Code::Unauthenticated), "{wrong}");
    }
    assert_eq!(admitted(&guarded, &[("x-serin-actor", "anna")]), Err(tonic::Code::Unauthenticated));
}

fn listener(tokens: &[&str], client_ca: bool) -> Listener {
    let tls = crate::config::Tls { cert: String::new(), key: String::new(), client_ca: Some(String::new()) };
    Listener {
        address: "127.0.0.1:0".parse().unwrap(),
        tls: client_ca.then_some(tls),
        tokens: tokens.iter().map(|secret| Token::new((*secret).to_owned(), (*secret).to_owned())).collect(),
    }
}

#[test]
fn who_may_post_is_asked_for_as_soon_as_one_of_both_listeners_asks_who_calls() {
    let (open, admin, http) = (listener(&[], false), "secret-of-admins-0", "secret-of-posters-0");
    let (with_admin, with_http, by_certificate) =
        (listener(&[admin], false), listener(&[http], false), listener(&[], true));
    // The two listeners, then who is let in: nobody known, the admin's holder, the HTTP listener's holder.
    for (of_http, of_admin, expected) in [
        (&open, &open, [true, true, true]),
        (&open, &with_admin, [false, true, false]),
        (&with_http, &with_admin, [false, false, true]),
        (&with_http, &open, [false, false, true]),
        (&open, &by_certificate, [false, false, false]),
        (&by_certificate, &with_admin, [true, true, true]),
        (&with_http, &by_certificate, [false, false, true]),
    ] {
        let access = Access::of_posts(of_http, of_admin);
        let admits = |secret: &str| access.holder(Some(&format!("Bearer {secret}"))).is_ok();
        let found = [access.holder(None).is_ok(), admits(admin), admits(http)];
        assert_eq!(found, expected, "{of_http:?} {of_admin:?}");
        assert_eq!(access.is_closed(), expected == [false; 3]);
    }
}

#[test]
fn who_may_act_through_pages_is_who_may_through_the_admin_listener_and_nobody_else() {
    let (open, admin, http) = (listener(&[], false), "secret-of-admins-0", "secret-of-readers-0");
    let (with_admin, with_http, by_certificate) =
        (listener(&[admin], false), listener(&[http], false), listener(&[], true));
    let by_both = listener(&[admin], true);
    // The two listeners, then who may act: nobody known, the admin's holder, the HTTP listener's holder.
    for (of_http, of_admin, expected) in [
        (&open, &open, [true, true, true]),
        (&open, &with_admin, [false, true, false]),
        (&with_http, &with_admin, [false, true, false]),
        (&with_http, &open, [false, false, false]),
        (&by_certificate, &open, [false, false, false]),
        (&open, &by_certificate, [false, false, false]),
        (&open, &by_both, [false, false, false]),
        (&by_certificate, &by_both, [false, true, false]),
        (&by_certificate, &by_certificate, [true, true, true]),
    ] {
        let access = Access::of_acts(of_http, of_admin);
        let admits = |secret: &str| access.holder(Some(&format!("Bearer {secret}"))).is_ok();
        let found = [access.holder(None).is_ok(), admits(admin), admits(http)];
        assert_eq!(found, expected, "{of_http:?} {of_admin:?}");
        assert_eq!(access.is_closed(), expected == [false; 3]);
    }
}

#[test]
fn nobody_acts_under_the_name_of_automatic_decisions() {
    for name in ["serin", "Serin", ""] {
        assert_eq!(admitted(&access(&[]), &[("x-serin-actor", name)]), Err(tonic::Code::InvalidArgument));
    }
}
