//! The key that the keys of all trains come from.
//!
//! It lies in a file beside the database and nowhere else: never in a journal, event, log or answer. A train's key is a keyed hash of the
//! train's identifier, so that it is the same after a restart. The filters are told it in their assignment, as they are told the fleet's
//! token.

use std::fs::{self, File, OpenOptions};
use std::hash::Hasher as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serin_proto::assignment::Weight;
use serin_rollout::State;
use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// Name of the file.
const FILE: &str = "train.key";

/// The key.
#[derive(Clone)]
pub(crate) struct TrainKey(u128);

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum TrainKeyError {
    /// The file cannot be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("{}: must hold 32 hexadecimal digits; remove it to have a new key drawn", .0.display())]
    Form(PathBuf),
    /// The system gives no randomness.
    #[error("no randomness: {0}")]
    Random(getrandom::Error),
}

impl std::fmt::Debug for TrainKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TrainKey")
    }
}

impl TrainKey {
    /// Reads the key in `folder`, or draws one and keeps it there.
    pub(crate) fn open(folder: &Path) -> Result<Self, TrainKeyError> {
        let path = folder.join(FILE);
        let failed = |source| TrainKeyError::File { path: path.clone(), source };
        match fs::read_to_string(&path) {
            Ok(text) => {
                let text = text.trim();
                let key = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
                key.map(Self).ok_or_else(|| TrainKeyError::Form(path.clone()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = [0; 16];
                getrandom::fill(&mut bytes).map_err(TrainKeyError::Random)?;
                let key = u128::from_le_bytes(bytes);
                write(folder, &path, key).map_err(failed)?;
                Ok(Self(key))
            }
            Err(source) => Err(failed(source)),
        }
    }

    /// What the filters are told of the train of a rollout: its identifier and its key. `None`: it goes out alone, or all its users are
    /// on one version.
    pub(crate) fn train_of(&self, state: &State) -> Option<(String, String)> {
        let member = state.train.as_ref()?;
        let is_split = state.weight > Weight::ZERO && state.weight < Weight::FULL;
        let is_split = is_split && state.phase.active().is_some() && state.is_current();
        is_split.then(|| (member.train.clone(), format!("{:032x}", self.key(&member.train))))
    }

    #[expect(clippy::cast_possible_truncation, reason = "takes the halves of the key")]
    fn key(&self, train: &str) -> u128 {
        let mut hasher = SipHasher24::new_with_keys(self.0 as u64, (self.0 >> 64) as u64);
        hasher.write(train.as_bytes());
        hasher.finish128().as_u128()
    }
}

/// Whole or not at all, and for the owner alone.
fn write(folder: &Path, path: &Path, key: u128) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let next = folder.join(format!("{FILE}.new"));
    let _none_is_left_of_a_crash = fs::remove_file(&next);
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&next)?;
    writeln!(file, "{key:032x}")?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serin_rollout::train::Membership;
    use serin_rollout::{ActivePhase, Creation, Phase, Plan, RolloutId, Salt, UnixMillis, create_in};

    use super::*;

    #[test]
    fn the_key_is_drawn_once_kept_for_its_owner_and_refused_when_it_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let first = TrainKey::open(folder.path()).unwrap();
        assert_eq!(TrainKey::open(folder.path()).unwrap().0, first.0);
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(first.key("train:a-1"), first.key("train:a-2"));
        fs::write(&path, "short\n").unwrap();
        let words = TrainKey::open(folder.path()).unwrap_err().to_string();
        assert!(
            words.ends_with("must hold 32 hexadecimal digits; remove it to have a new key drawn"),
            "{words}"
        );
    }

    #[test]
    fn filters_are_told_while_some_users_are_on_the_canary_and_some_are_not() {
        let plan = Plan::parse("service: pay\nbaseline: v1\ncanary: v2\n").unwrap();
        let creation = Creation {
            id: RolloutId("pay-1".to_owned()),
            salt: Salt(1),
            actor: "ann".to_owned(),
            paused: true,
        };
        let member = Membership { train: "train:sale-1".to_owned(), together: false };
        let mut state = create_in(&plan, Vec::new(), creation, Some(member), UnixMillis(1)).state;
        let key = TrainKey(7);
        let mut told = |phase, ppm| {
            (state.phase, state.weight) = (phase, Weight::from_ppm(ppm).unwrap());
            key.train_of(&state).is_some()
        };
        let paused = Phase::Paused { from: ActivePhase::Progressing };
        let cases = [
            (paused, 0, false),
            (Phase::Progressing, 50_000, true),
            (paused, 50_000, true),
            (Phase::Completing, 1_000_000, false),
            (Phase::Promoted, 1_000_000, false),
            (Phase::RolledBack, 0, false),
        ];
        for (phase, ppm, expected) in cases {
            assert_eq!(told(phase, ppm), expected, "{phase} {ppm}");
        }
    }
}
