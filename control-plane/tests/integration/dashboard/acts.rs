//! Who may act through pages, and what is known of it afterwards.

use serin_proto::admin::v1::*;
use serin_proto::evidence::v1::ListAuditRequest;
use tonic::Request;

use super::*;

fn authorized<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {OPS}").parse().unwrap());
    request
}

async fn created(running: &Running) -> String {
    let request = authorized(CreateRequest { plan_yaml: plan("shop"), paused: false });
    admin(running.addresses).await.create(request).await.unwrap().into_inner().rollout.unwrap().id
}

async fn events(running: &Running, id: &str) -> Vec<Event> {
    let request = ListEventsRequest { rollout_id: id.to_owned(), ..ListEventsRequest::default() };
    admin(running.addresses).await.list_events(authorized(request)).await.unwrap().into_inner().events
}

async fn noted(running: &Running) -> Vec<serde_json::Value> {
    let mut evidence = crate::evidence::evidence(running.addresses).await;
    let entries = evidence.list_audit(authorized(ListAuditRequest::default())).await.unwrap();
    entries.into_inner().entries.iter().map(|entry| serde_json::from_str(&entry.body_json).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_acts_without_the_right_that_grpc_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let running = guarded(folder.path(), true).await;
    let (address, id) = (running.addresses.http, created(&running).await);
    let (person, reader) = (sign_in(address, OPS, "anna").await, sign_in(address, SDK, "bert").await);
    let own = format!("http://{address}");
    let (ops, sdk) = (format!("Bearer {OPS}"), format!("Bearer {SDK}"));
    let acts =
        ["pause", "resume", "promote", "weight", "rollback", "hand-over", "override-windows", "approve"];
    let acts = acts.map(|act| format!("/rollouts/{id}/{act}"));
    let before = events(&running, &id).await.len();
    for path in acts.iter().chain([&format!("/decisions/{id}.1/mark")]) {
        let refused: [(&[(&str, &str)], u16); 8] = [
            (&[], 401),
            (&[("authorization", "Bearer wrong-wrong-wrong-wrong")], 401),
            (&[("authorization", &sdk)], 401),
            (&[("cookie", "serin-session=0000"), ("origin", &own)], 401),
            (&[("cookie", &reader), ("origin", &own)], 403),
            (&[("cookie", &person), ("origin", "https://evil.example")], 403),
            (&[("cookie", &person), ("sec-fetch-site", "cross-site")], 403),
            (&[("cookie", &person)], 403),
        ];
        let body = "reason=because&weight_percent=10&approval=drained&mark=right";
        for (headers, expected) in refused {
            assert_eq!(form(address, path, headers, body).await.status, expected, "{path} {headers:?}");
        }
    }
    assert_eq!(events(&running, &id).await.len(), before, "nothing of that did anything");
    let pause = format!("/rollouts/{id}/pause");
    let by_token = [("authorization", ops.as_str()), ("x-serin-actor", "carla")];
    assert_eq!(form(address, &pause, &by_token, "reason=lunch").await.status, 303);
    let by_session = [("cookie", person.as_str()), ("origin", own.as_str())];
    let answer =
        form(address, &format!("/rollouts/{id}/weight"), &by_session, "reason=more&weight_percent=25").await;
    assert_eq!((answer.status, answer.header("location")), (303, format!("/rollouts/{id}").as_str()));
    let events = events(&running, &id).await;
    let newest: Vec<_> =
        events[before..].iter().map(|event| (event.kind.as_str(), event.actor.as_str())).collect();
    assert_eq!(newest, [("paused", "carla (token ops)"), ("weight_set", "anna (token ops)")]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_and_sign_ins_are_noted_by_the_name_that_grpc_gives() {
    let folder = tempfile::tempdir().unwrap();
    let running = guarded(folder.path(), false).await;
    let (address, id) = (running.addresses.http, created(&running).await);
    let wrong = form(address, "/login", &[], "token=wrong&name=anna").await;
    assert_eq!(wrong.status, 401);
    assert!(!wrong.body.contains("value=\"wrong\""), "a token is not shown again");
    let (cookie, own) = (sign_in(address, OPS, "anna").await, format!("http://{address}"));
    let by_session = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    form(address, &format!("/rollouts/{id}/pause"), &by_session, "reason=token%3Dabcdef123").await;
    let refused =
        form(address, &format!("/rollouts/{id}/rollback"), &by_session, "component=none&reason=x").await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("none"), "{}", refused.body);
    let late = form(address, &format!("/rollouts/{id}/hand-over"), &by_session, "reason=x").await;
    assert_eq!(late.status, 409, "{}", late.body);
    let all = noted(&running).await;
    let of_http: Vec<_> = all.iter().filter(|one| one["interface"] == "http").collect();
    let told: Vec<_> = of_http
        .iter()
        .map(|one| {
            (one["kind"].as_str().unwrap(), one["method"].as_str().unwrap(), one["actor"].as_str().unwrap())
        })
        .collect();
    let anna = "anna (token ops)";
    let (pause, back, over) = (
        format!("rollouts/{id}/pause"),
        format!("rollouts/{id}/rollback"),
        format!("rollouts/{id}/hand-over"),
    );
    let expected = [
        ("denied", "login", "unknown"),
        ("asked", "login", anna),
        ("asked", &pause, anna),
        ("asked", &back, anna),
        ("asked", &over, anna),
    ];
    assert_eq!(told, expected);
    assert_eq!(of_http[2]["arguments"]["fields"]["reason"], "token=[masked:secret]");
    let outcomes: Vec<_> = all.iter().filter_map(|one| one["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["ok", "ok", "ok", "400", "409"]);
    assert!(!all.iter().any(|one| one.to_string().contains(OPS)), "no token is noted");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_is_nobody_and_who_may_not_read_is_sent_to_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let running = guarded(folder.path(), true).await;
    let address = running.addresses.http;
    let nobody = see(address, "/decisions?service=shop").await;
    assert_eq!(
        (nobody.status, nobody.header("location")),
        (303, "/login?next=%2Fdecisions%3Fservice%3Dshop")
    );
    assert_eq!(see(address, "/live/fleet").await.status, 401);
    let (cookie, own) = (sign_in(address, SDK, "bert").await, format!("http://{address}"));
    assert_eq!(send(address, "GET", "/", &[("cookie", &cookie)], "").await.status, 200);
    let answer = form(address, "/logout", &[("cookie", &cookie), ("origin", "http://evil")], "").await;
    assert_eq!(answer.status, 403);
    let answer = form(address, "/logout", &[("cookie", &cookie), ("origin", &own)], "").await;
    assert!(answer.status == 303 && answer.header("set-cookie").contains("Max-Age=0"), "{}", answer.head);
    assert_eq!(send(address, "GET", "/", &[("cookie", &cookie)], "").await.status, 303);
    let elsewhere = form(address, "/login", &[], &format!("token={SDK}&next=%2F%2Fevil.example")).await;
    assert_eq!(elsewhere.header("location"), "/");
    for _ in 0..10 {
        assert_eq!(form(address, "/login", &[], "token=wrong").await.status, 401);
    }
    assert_eq!(form(address, "/login", &[], &format!("token={SDK}")).await.status, 429);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_everyone_may_act_a_foreign_name_for_our_address_may_not() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let address = server.addresses().http;
    let path = format!("/rollouts/{id}/pause");
    let rebound =
        format!("POST {path} HTTP/1.1\r\nhost: evil.example:7442\r\norigin: http://evil.example:7442\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let form_of = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 8\r\nconnection: close\r\n\r\nreason=x";
    stream.write_all(format!("{rebound}{form_of}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert_eq!(form(address, &path, &[("origin", "https://evil.example")], "reason=x").await.status, 403);
    assert_eq!(form(address, &path, &[], &"a".repeat(20_000)).await.status, 400);
    let own = format!("http://{address}");
    assert_eq!(form(address, &path, &[("origin", &own)], "reason=lunch").await.status, 303);
    assert_eq!(phase(&get(&mut admin, &id).await), Phase::Paused);
}
