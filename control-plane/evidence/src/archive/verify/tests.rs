use serin_rollout::UnixMillis;

use super::*;
use crate::archive::About;
use crate::bundle::{Bundle, Draft};
use crate::canonical;
use crate::chain::{Entry, Head};
use crate::mask::Masker;

fn bundle(id: &str, rollout: &str) -> Bundle {
    let mut draft = Draft {
        kind: Kind::Bundle,
        id: id.to_owned(),
        rollout: rollout.to_owned(),
        service: "shop".to_owned(),
        at: UnixMillis(1),
        actor: "serin".to_owned(),
        revisions: Some((1, 1)),
        decided: vec!["rolled_back".to_owned()],
        text: vec!["Rolled back the whole version: cart regressed".to_owned()],
        about: None,
        documents: Vec::new(),
    };
    draft.add("plan", format!("plan of {id}"));
    draft.add("counts", [1, 2, 3]);
    draft.finish(&Masker::new(false).unwrap())
}

/// Three bundles, of which the archive has the second's content only as a link.
fn archive() -> Archive {
    let mut archive = Archive { journal: "[]".to_owned(), ..Archive::default() };
    let mut head = Head::default();
    for (id, rollout) in [("a.1", "a"), ("b.1", "b"), ("a.2", "a")] {
        let Bundle { manifest, documents } = bundle(id, rollout);
        let entry = Entry::after(head, canonical::text(&manifest).unwrap());
        head = entry.head();
        archive.links.push(entry.link());
        if rollout == "a" {
            archive.entries.push(entry);
            archive.documents.extend(documents.into_iter().map(|one| (one.sha256, one.content)));
        }
    }
    archive.about =
        About { format: 1, rollout: "a".to_owned(), head, journal: Hash::of(b"[]"), ..About::default() };
    archive
}

#[test]
fn an_archive_comes_back_as_it_was_and_is_sound() {
    let archive = archive();
    let bytes = archive.to_bytes().unwrap();
    assert_eq!(bytes, archive.to_bytes().unwrap(), "the same content gives the same bytes");
    let read = Archive::read(&bytes).unwrap();
    assert_eq!(read, archive);
    let verified = read.verify(Some(archive.links[1].hash()));
    assert!(verified.chain.is_sound(), "{verified:?}");
    assert_eq!((verified.bundles, verified.documents, verified.chain.entries), (2, 4, 3));
}

#[test]
fn a_flip_of_any_bit_and_a_cut_at_any_length_is_found() {
    let bytes = archive().to_bytes().unwrap();
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(Archive::read(&flipped).is_err(), "bit {bit} of byte {at} of {}", bytes.len());
        }
        assert!(Archive::read(&bytes[..at]).is_err(), "cut to {at} bytes");
    }
    assert!(Archive::read(&[bytes.as_slice(), &[0]].concat()).is_err(), "a byte more");
}

#[test]
fn what_is_changed_within_an_archive_and_packed_again_is_named() {
    let whole = archive();
    let faults = |archive: &Archive| {
        let repacked = Archive::read(&archive.to_bytes().unwrap()).unwrap();
        repacked.verify(None).chain.faults
    };
    let mut altered = whole.clone();
    altered.entries[1].body = altered.entries[1].body.replace("cart", "home");
    assert_eq!(faults(&altered)[0], Fault::Altered { number: 3 });
    let mut altered = whole.clone();
    *altered.documents.values_mut().next().unwrap() = "\"other\"".to_owned();
    assert!(matches!(faults(&altered)[0], Fault::DocumentAltered { .. }), "{:?}", faults(&altered));
    let mut removed = whole.clone();
    removed.documents.pop_first();
    assert!(matches!(faults(&removed)[0], Fault::DocumentMissing { .. }));
    let mut removed = whole.clone();
    (removed.links.remove(1), removed.entries.clear());
    assert!(faults(&removed).contains(&Fault::Missing { from: 2, through: 2 }));
    let mut cut = whole.clone();
    (cut.links.pop(), cut.entries.pop());
    assert!(faults(&cut).contains(&Fault::End { last: 2, head: 3 }));
    let mut journal = whole.clone();
    journal.journal = "[{}]".to_owned();
    assert!(matches!(faults(&journal)[..], [Fault::Stray { .. }]));
    let mut more = whole;
    more.documents.insert(Hash::of(b"1"), "1".to_owned());
    assert_eq!(faults(&more).len(), 1);
}
