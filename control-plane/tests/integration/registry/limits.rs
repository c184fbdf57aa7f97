//! Crashes, many versions, many registrations at once, and slow ones.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_around_a_registration_leaves_nothing_or_the_whole_and_it_can_be_repeated() {
    for point in Failpoint::REGISTRATION {
        let folder = tempfile::tempdir().unwrap();
        {
            let process = Process::start(folder.path(), None);
            let mut client = client(process.addresses).await;
            register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap();
        }
        let mut process = Process::start(folder.path(), Some(point));
        let mut dying = client(process.addresses).await;
        register(&mut dying, shop("v2", ("t2", NEW)), &[NEW]).await.unwrap_err();
        process.wait_dead();
        let process = Process::start(folder.path(), None);
        let mut client = client(process.addresses).await;
        let before = ["shop/route-2/tax t1", "shop/route-2 v1", "shop v1"];
        let after = ["shop/route-2/tax t2", "shop/route-2 v2", "shop v2"];
        let is_written = point == Failpoint::AfterRegister;
        let expected = if is_written { [after, before].concat() } else { before.to_vec() };
        assert_eq!(versions(&mut client).await, expected, "{point}");
        assert_eq!(artifact(&mut client, "shop/route-2/tax", "t1").await.unwrap(), OLD);
        register(&mut client, shop("v2", ("t2", NEW)), &[NEW]).await.unwrap();
        assert_eq!(versions(&mut client).await, [after, before].concat(), "{point}");
        assert_eq!(artifact(&mut client, "shop/route-2/tax", "t2").await.unwrap(), NEW);
    }
}

/// Bytes that no compression makes small.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_during_a_put_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<u64> = Vec::new();
    for round in 0..30_u64 {
        if round >= 6 && acknowledged.len() >= 3 {
            break;
        }
        let process = Process::start(folder.path(), None);
        let mut client = client(process.addresses).await;
        let killed_after = std::time::Duration::from_millis(15 + round * 23);
        let registering = async {
            for number in 0.. {
                let seed = round * 1_000 + number;
                let text = noise(seed, 400_000);
                let versions = shop(&format!("v{seed}"), (&format!("t{seed}"), &text));
                if register(&mut client, versions, &[&text]).await.is_err() {
                    return;
                }
                acknowledged.push(seed);
            }
        };
        let killing = async {
            tokio::time::sleep(killed_after).await;
            drop(process);
        };
        tokio::join!(registering, killing);
    }
    assert!(acknowledged.len() >= 3, "nothing was registered before the kills");
    let process = Process::start(folder.path(), None);
    let mut client = client(process.addresses).await;
    let registered = versions(&mut client).await;
    for seed in &acknowledged {
        assert!(registered.contains(&format!("shop/route-2/tax t{seed}")), "{seed} was acknowledged");
    }
    for name in registered.iter().filter_map(|name| name.strip_prefix("shop/route-2/tax t")) {
        let text = noise(name.parse().unwrap(), 400_000);
        assert!(
            artifact(&mut client, "shop/route-2/tax", &format!("t{name}")).await.unwrap() == text,
            "{name}"
        );
    }
    assert!(
        objects(&folder.path().join("data"))
            .iter()
            .all(|(path, _)| !path.display().to_string().contains('#'))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_versions_of_a_thousand_blocks_take_the_space_of_their_contents() {
    const BLOCKS: usize = 1_000;
    const RELEASES: usize = 10;
    const CHANGED_EVERY: usize = 5;
    let server = Server::new().await;
    let mut client = client(server.addresses()).await;
    let is_changed = |block: usize| block.is_multiple_of(4);
    let text = |block: usize, release: usize| -> Vec<u8> {
        let change = if is_changed(block) { release / CHANGED_EVERY } else { 0 };
        format!("fn block_{block}() -> u64 {{\n    {change}\n}}\n").into_bytes()
    };
    let began = Instant::now();
    let mut sizes = Vec::new();
    for release in 0..RELEASES {
        let mut versions = vec![new("shop", &format!("v{release}"), None), new("shop/all", "c1", None)];
        let mut contents = Vec::new();
        for block in 0..BLOCKS {
            let text = text(block, release);
            versions.push(new(&format!("shop/all/b{block}"), &format!("b{release}"), Some(&text)));
            contents.push(text);
        }
        let mut parts = vec![part(Part::Release(Release { versions }))];
        parts.extend(contents.iter().map(|text| chunk(text, text)));
        let registered = send(&mut client, parts).await.unwrap();
        assert_eq!(registered.registered as usize, BLOCKS + 1 + usize::from(release == 0));
        sizes.push(objects(server.folder.path()).iter().map(|(_, bytes)| bytes).sum::<u64>());
    }
    let put = began.elapsed();
    assert_eq!(sizes[0], sizes[CHANGED_EVERY - 1], "versions alone take no space");
    assert!(sizes[CHANGED_EVERY] < sizes[0] * 4 / 3, "what changed does, {sizes:?}");
    assert_eq!(objects(server.folder.path()).len(), BLOCKS + BLOCKS / 4, "each content is kept once");
    let began = Instant::now();
    for block in (0..BLOCKS).step_by(7) {
        let read = artifact(&mut client, &format!("shop/all/b{block}"), "b9").await.unwrap();
        assert_eq!(read, text(block, 9));
    }
    let got = began.elapsed();
    let began = Instant::now();
    for block in (0..BLOCKS).step_by(7) {
        let request = DiffBlockRequest {
            block: format!("shop/all/b{block}"),
            from_version: "b0".to_owned(),
            to_version: "b9".to_owned(),
        };
        let changed = client.diff_block(request).await.unwrap().into_inner();
        let lines = u64::from(is_changed(block));
        assert_eq!((changed.same, changed.lines_added, changed.lines_removed), (lines == 0, lines, lines));
    }
    let compared = began.elapsed();
    let query = ListVersionsRequest {
        kind: Kind::Block.into(),
        newest_only: true,
        limit: 1_000,
        ..Default::default()
    };
    let began = Instant::now();
    let newest = client.list_versions(query).await.unwrap().into_inner().versions;
    assert!(newest.len() == BLOCKS && newest.iter().all(|one| one.version == "b9"));
    let (mut before_sequence, mut all) = (0, 0);
    loop {
        let page = ListVersionsRequest { before_sequence, limit: 1_000, ..ListVersionsRequest::default() };
        let page = client.list_versions(page).await.unwrap().into_inner();
        all += page.versions.len();
        before_sequence = page.next_before_sequence;
        if before_sequence == 0 {
            break;
        }
    }
    assert_eq!(all, BLOCKS * RELEASES + RELEASES + 1);
    eprintln!("put {put:?}, 143 gets {got:?}, 143 diffs {compared:?}, lists {:?}", began.elapsed());
}

/// A registration whose contents do not come yet.
struct Waiting {
    messages: tokio::sync::mpsc::Sender<RegisterReleaseRequest>,
    answer: tokio::task::JoinHandle<Result<RegisterReleaseResponse, Status>>,
}

impl Waiting {
    async fn begin(client: &Client, versions: Vec<NewVersion>) -> Self {
        let (messages, stream) = tokio::sync::mpsc::channel(1);
        messages.send(part(Part::Release(Release { versions }))).await.unwrap();
        let (mut client, stream) = (client.clone(), tokio_stream::wrappers::ReceiverStream::new(stream));
        let answer = tokio::spawn(async move { answered(&mut client, tonic::Request::new(stream)).await });
        Self { messages, answer }
    }

    async fn go_on(self, text: &'static [u8]) -> Result<RegisterReleaseResponse, Status> {
        let _a_refused_one_takes_nothing = self.messages.send(chunk(text, text)).await;
        drop(self.messages);
        self.answer.await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_registrations_than_there_are_places_are_refused_and_a_place_comes_free() {
    let server = Server::new().await;
    let mut client = client(server.addresses()).await;
    let mut all = Vec::new();
    for number in 0..5 {
        all.push(Waiting::begin(&client, shop(&format!("v{number}"), ("t1", OLD))).await);
    }
    let one_ended = async {
        while !all.iter().any(|one| one.answer.is_finished()) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, one_ended).await.unwrap();
    let (mut registered, mut refused) = (0, Vec::new());
    for one in all {
        match one.go_on(OLD).await {
            Ok(_) => registered += 1,
            Err(status) => refused.push(status.code()),
        }
    }
    assert_eq!((registered, refused.as_slice()), (4, &[Code::ResourceExhausted][..]));
    register(&mut client, shop("v9", ("t1", OLD)), &[OLD]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_may_last_longer_than_other_calls() {
    let server = Server::new().await;
    let client = client(server.addresses()).await;
    let slow = Waiting::begin(&client, shop("v1", ("t1", OLD))).await;
    tokio::time::sleep(std::time::Duration::from_secs(17)).await;
    assert_eq!(slow.go_on(OLD).await.unwrap().registered, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_is_under_way_ends_with_the_server_and_registers_nothing() {
    let server = Server::new().await;
    let mut client = client(server.addresses()).await;
    let slow = Waiting::begin(&client, shop("v1", ("t1", OLD))).await;
    // The answer to another call says that the server has begun with the one before.
    versions(&mut client).await;
    let server = server.restarted().await;
    let ended = slow.answer.await.unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable, "{ended}");
    assert_eq!(versions(&mut self::client(server.addresses()).await).await, [""; 0]);
}
