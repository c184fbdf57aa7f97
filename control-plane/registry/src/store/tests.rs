use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::*;

mod s3;

async fn all(store: &ArtifactStore) -> Vec<Object> {
    let (mut objects, mut found) = (store.objects(), Vec::new());
    while let Some(object) = objects.next().await.unwrap() {
        found.push(object);
    }
    found
}

/// What any store must do.
async fn keeps_what_it_is_given(store: &ArtifactStore) {
    let contents: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"one".to_vec(),
        b"two".to_vec(),
        vec![7; 300_000],
        (0..=255).cycle().take(9_999).collect(),
    ];
    for content in &contents {
        let (digest, put) = store.put(Bytes::from(content.clone())).await.unwrap();
        assert_eq!((digest, put), (Digest::of(content), Put::Written));
        assert_eq!(store.put(Bytes::from(content.clone())).await.unwrap(), (digest, Put::Known));
    }
    for content in &contents {
        assert_eq!(store.get(&Digest::of(content)).await.unwrap(), content);
    }
    let listed: BTreeSet<Digest> = all(store).await.into_iter().map(|object| object.digest).collect();
    assert_eq!(listed, contents.iter().map(|content| Digest::of(content)).collect());
    assert!(
        all(store).await.iter().all(|object| object.packed_bytes < 2_000),
        "repeated bytes are compressed"
    );
    let gone = Digest::of(b"one");
    store.remove(&gone).await.unwrap();
    store.remove(&gone).await.unwrap();
    let error = store.get(&gone).await.unwrap_err();
    assert!(matches!(&error, ArtifactError::Missing { digest, .. } if *digest == gone), "{error}");
    assert_eq!(store.get(&Digest::of(b"two")).await.unwrap(), b"two".as_slice());
}

#[tokio::test]
async fn a_folder_keeps_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    keeps_what_it_is_given(&ArtifactStore::in_folder(folder.path()).unwrap()).await;
    let again = ArtifactStore::in_folder(folder.path()).unwrap();
    assert_eq!(again.get(&Digest::of(b"two")).await.unwrap(), b"two".as_slice(), "after a restart too");
}

fn file(folder: &std::path::Path, digest: &Digest) -> PathBuf {
    folder.join("sha256").join(&digest.to_string()[..2]).join(format!("{digest}.gz"))
}

#[tokio::test]
async fn an_artifact_that_was_damaged_is_named_and_repaired_by_putting_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = ArtifactStore::in_folder(folder.path()).unwrap();
    let content = Bytes::from("fn tax(net: u64) -> u64 { net / 5 }\n".repeat(20));
    let (digest, _) = store.put(content.clone()).await.unwrap();
    let path = file(folder.path(), &digest);
    let whole = fs::read(&path).unwrap();
    let mut damages: Vec<Vec<u8>> = (0..whole.len())
        .map(|index| {
            let mut damaged = whole.clone();
            damaged[index] ^= 0x40;
            damaged
        })
        .collect();
    damages.extend((0..whole.len()).step_by(7).map(|length| whole[..length].to_vec()));
    damages.push(pack::pack(b"something else").unwrap());
    damages.push([whole.clone(), vec![0]].concat());
    for damaged in damages {
        fs::write(&path, &damaged).unwrap();
        match store.get(&digest).await {
            // The header of gzip carries a time and a system that change nothing.
            Ok(read) => assert_eq!(read, content),
            Err(error @ ArtifactError::Damaged { .. }) => {
                let words = error.to_string();
                assert!(
                    words.contains(&digest.to_string()) && words.contains(&path.display().to_string()),
                    "{words}"
                );
                assert_eq!(store.put(content.clone()).await.unwrap(), (digest, Put::Repaired));
            }
            Err(other) => panic!("{other}"),
        }
        assert_eq!(store.get(&digest).await.unwrap(), content);
    }
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_no_object_and_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = ArtifactStore::in_folder(folder.path()).unwrap();
    let (digest, _) = store.put(Bytes::from_static(b"whole")).await.unwrap();
    let other = Digest::of(b"never finished");
    let halves = [file(folder.path(), &digest), file(folder.path(), &other)].map(|path| {
        let half = PathBuf::from(format!("{}#1", path.display()));
        fs::create_dir_all(half.parent().unwrap()).unwrap();
        fs::write(&half, b"\x1f\x8bhalf").unwrap();
        half
    });
    assert_eq!(all(&store).await.len(), 1);
    assert!(matches!(store.get(&other).await, Err(ArtifactError::Missing { .. })));
    store.put(Bytes::from_static(b"never finished")).await.unwrap();
    assert!(halves.iter().all(|half| half.exists()), "a writer of the same content was not disturbed");
    let store = ArtifactStore::in_folder(folder.path()).unwrap();
    assert!(halves.iter().all(|half| !half.exists()));
    assert_eq!(store.get(&digest).await.unwrap(), b"whole".as_slice());
    assert_eq!(store.get(&other).await.unwrap(), b"never finished".as_slice());
}

#[tokio::test]
async fn a_put_that_is_given_up_anywhere_leaves_nothing_or_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = ArtifactStore::in_folder(folder.path()).unwrap();
    let content: Vec<u8> =
        (0..200_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let digest = Digest::of(&content);
    let (mut missing, mut whole) = (0, 0);
    for step in 0..60 {
        let put = store.put(Bytes::from(content.clone()));
        let _given_up = timeout(Duration::from_micros(step * step * 40), put).await;
        match store.get(&digest).await {
            Ok(read) => {
                assert_eq!(read, content);
                whole += 1;
            }
            Err(ArtifactError::Missing { .. }) => missing += 1,
            Err(other) => panic!("{other}"),
        }
        // A write that was begun may still end after that: on a thread of its own.
        while store.get(&digest).await.is_ok() {
            store.remove(&digest).await.unwrap();
        }
    }
    assert_eq!(missing + whole, 60);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = ArtifactStore::in_folder(folder.path()).unwrap();
    let error = store.put(Bytes::from(vec![0; bounds::ARTIFACT_BYTES + 1])).await.unwrap_err();
    assert_eq!(error.to_string(), "the artifact exceeds 67108864 bytes");
    let largest = Bytes::from(vec![0; bounds::ARTIFACT_BYTES]);
    let (digest, _) = store.put(largest.clone()).await.unwrap();
    assert!(store.get(&digest).await.unwrap() == largest);
    let path = file(folder.path(), &digest);
    fs::File::options().write(true).open(&path).unwrap().set_len(pack::PACKED_BYTES as u64 + 1).unwrap();
    let error = store.get(&digest).await.unwrap_err();
    assert!(error.to_string().contains("it is larger than any that was put"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    let error = ArtifactStore::in_folder(&path).unwrap_err().to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
}
