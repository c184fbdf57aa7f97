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

#[test]
fn nobody_acts_under_the_name_of_automatic_decisions() {
    for name in ["serin", "Serin", ""] {
        assert_eq!(admitted(&access(&[]), &[("x-serin-actor", name)]), Err(tonic::Code::InvalidArgument));
    }
}
