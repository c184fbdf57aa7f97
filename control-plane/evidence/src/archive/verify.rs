//! Checks what an archive holds.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Archive;
use crate::Hash;
use crate::bundle::{Kind, Manifest};
use crate::chain::{Check, Checked, Fault, Link};

/// What a check of evidence found.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// The chain.
    #[serde(flatten)]
    pub chain: Checked,
    /// Bundles whose documents were checked.
    pub bundles: u64,
    /// Documents that were checked.
    pub documents: u64,
    /// Bundles that say that they are not complete, by name.
    pub incomplete: Vec<String>,
}

impl Archive {
    /// Checks the chain and every document. `anchor` is a hash that was kept elsewhere, which must be in the chain.
    #[must_use]
    pub fn verify(&self, anchor: Option<Hash>) -> Verified {
        let mut check = Check::anchored(anchor);
        let mut contents = self.entries.iter().peekable();
        for link in &self.links {
            while contents.peek().is_some_and(|entry| entry.number < link.number) {
                contents.next();
            }
            match contents.next_if(|entry| entry.number == link.number) {
                Some(entry) => {
                    check.entry(entry, Some(link.hash()));
                }
                None => check.link(*link, None),
            }
        }
        self.strays(&mut check);
        let mut verified =
            Verified { chain: Checked::default(), bundles: 0, documents: 0, incomplete: Vec::new() };
        for entry in &self.entries {
            match serde_json::from_str::<Manifest>(&entry.body) {
                Ok(manifest) => self.contents(entry.number, &manifest, &mut check, &mut verified),
                Err(error) => check.fault(Fault::Unreadable { number: entry.number, why: error.to_string() }),
            }
        }
        if Hash::of(self.journal.as_bytes()) != self.about.journal {
            check.fault(Fault::Stray { name: "journal.json, which is not what was exported,".to_owned() });
        }
        verified.chain = self.finished(check);
        verified
    }

    /// An export of one rollout begins where its entries do, so only what lies before that is not its business.
    fn finished(&self, check: Check) -> Checked {
        let mut checked = check.finish(Some(self.about.head));
        if self.links.first().is_some_and(|first| first.number > 1) {
            checked.faults.retain(|fault| !matches!(fault, Fault::Beginning { .. }));
        }
        checked
    }

    fn contents(&self, number: u64, manifest: &Manifest, check: &mut Check, verified: &mut Verified) {
        verified.bundles += u64::from(manifest.kind == Kind::Bundle);
        if !manifest.complete {
            verified.incomplete.push(manifest.id.clone());
        }
        for document in &manifest.documents {
            let name = document.name.clone();
            match self.documents.get(&document.sha256) {
                None => check.fault(Fault::DocumentMissing { number, name }),
                Some(content) if Hash::of(content.as_bytes()) != document.sha256 => {
                    check.fault(Fault::DocumentAltered { number, name });
                }
                Some(_) => verified.documents += 1,
            }
        }
    }

    /// What belongs to nothing.
    fn strays(&self, check: &mut Check) {
        let linked: BTreeSet<u64> = self.links.iter().map(|link: &Link| link.number).collect();
        for entry in self.entries.iter().filter(|entry| !linked.contains(&entry.number)) {
            check.fault(Fault::Stray { name: format!("entry {}", entry.number) });
        }
        let manifests = self.entries.iter().filter_map(|entry| serde_json::from_str(&entry.body).ok());
        let listed: BTreeSet<Hash> = manifests
            .flat_map(|manifest: Manifest| manifest.documents.into_iter().map(|document| document.sha256))
            .collect();
        for hash in self.documents.keys().filter(|hash| !listed.contains(hash)) {
            check.fault(Fault::Stray { name: format!("document {hash}") });
        }
    }
}

#[cfg(test)]
mod tests;
