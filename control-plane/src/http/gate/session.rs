//! Who is signed in: in memory, so a restart signs everyone out, and no copy of the database lets anybody in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::access::Actor;

/// How long a session lasts.
pub(super) const LASTS: Duration = Duration::from_secs(12 * 3_600);
/// Sessions at a time; the one that was used least lately makes room.
const SESSIONS_MAX: usize = 1_000;

/// A session, by the digest of what its cookie says: looking it up takes no time that tells about a secret.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::http) struct Key([u8; 32]);

impl Key {
    fn of(id: &str) -> Self {
        Self(Sha256::digest(id).into())
    }
}

/// Somebody who signed in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::http) struct Session {
    pub(in crate::http) actor: Actor,
    /// False: the token is one that only reads.
    pub(in crate::http) may_act: bool,
}

#[derive(Debug)]
struct Held {
    session: Session,
    began: Instant,
    used: Instant,
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<Key, Held>>);

impl Sessions {
    fn held(&self) -> MutexGuard<'_, BTreeMap<Key, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one, and gives its identifier: 256 bits that nobody can guess.
    pub(super) fn begin(&self, session: Session, now: Instant) -> Result<String, getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        let id = random.iter().fold(String::with_capacity(64), |mut id, byte| {
            let _a_string_takes_all = write!(id, "{byte:02x}");
            id
        });
        let mut held = self.held();
        held.retain(|_, one| is_lasting(one, now));
        while held.len() >= SESSIONS_MAX {
            let Some(idle) = held.iter().min_by_key(|(_, one)| one.used).map(|(key, _)| *key) else { break };
            held.remove(&idle);
        }
        held.insert(Key::of(&id), Held { session, began: now, used: now });
        Ok(id)
    }

    /// The session of an identifier, which is used by that.
    pub(super) fn find(&self, id: &str, now: Instant) -> Option<(Key, Session)> {
        let key = Key::of(id);
        let mut held = self.held();
        let one = held.get_mut(&key).filter(|one| is_lasting(one, now))?;
        one.used = now;
        Some((key, one.session.clone()))
    }

    pub(super) fn lasts(&self, key: Key, now: Instant) -> bool {
        self.held().get(&key).is_some_and(|one| is_lasting(one, now))
    }

    pub(super) fn end(&self, key: Key) {
        self.held().remove(&key);
    }
}

fn is_lasting(one: &Held, now: Instant) -> bool {
    now.saturating_duration_since(one.began) < LASTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(name: &str) -> Session {
        Session { actor: Actor(name.to_owned()), may_act: true }
    }

    #[test]
    fn a_session_lasts_twelve_hours_or_until_it_is_ended() {
        let (sessions, began) = (Sessions::default(), Instant::now());
        let id = sessions.begin(session("anna"), began).unwrap();
        assert_eq!(id.len(), 64);
        let (key, found) = sessions.find(&id, began + LASTS - Duration::from_secs(1)).unwrap();
        assert_eq!(found, session("anna"));
        assert_eq!(sessions.find(&id, began + LASTS), None);
        assert!(sessions.lasts(key, began) && !sessions.lasts(key, began + LASTS));
        sessions.end(key);
        assert_eq!(sessions.find(&id, began), None);
        assert_eq!(sessions.find("", began), None);
    }

    #[test]
    fn the_session_that_was_used_least_lately_makes_room() {
        let (sessions, began) = (Sessions::default(), Instant::now());
        let at = |ms: usize| began + Duration::from_millis(u64::try_from(ms).unwrap());
        let ids: Vec<_> =
            (0..SESSIONS_MAX).map(|one| sessions.begin(session("anna"), at(one)).unwrap()).collect();
        assert!(sessions.find(&ids[0], at(SESSIONS_MAX)).is_some());
        sessions.begin(session("bert"), at(SESSIONS_MAX + 1)).unwrap();
        assert!(sessions.find(&ids[0], at(SESSIONS_MAX + 2)).is_some());
        assert_eq!(sessions.find(&ids[1], at(SESSIONS_MAX + 2)), None);
        assert_eq!(sessions.held().len(), SESSIONS_MAX);
    }
}
