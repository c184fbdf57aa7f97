//! Points of metrics while a request is read: never more than one request may hold, at any level of its message.

use serin_series::{ATTRIBUTES_MAX, POINTS_MAX};

/// Parts of a message that hold points.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    pub(super) all: Vec<T>,
    points: usize,
    /// Points for which there was no room.
    pub(super) beyond: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { all: Vec::new(), points: 0, beyond: 0 }
    }
}

impl<T> Kept<T> {
    /// Adds a point.
    pub(super) fn add(&mut self, point: T) {
        if self.points >= POINTS_MAX {
            self.beyond += 1;
            return;
        }
        self.points += 1;
        self.all.push(point);
    }

    /// Adds what `other` holds as one part, if there is room for all of it and anything in it.
    pub(super) fn absorb<U>(&mut self, other: Kept<U>, part: impl FnOnce(Vec<U>) -> T) {
        let Kept { all, points, beyond } = other;
        self.beyond += beyond;
        if self.points + points > POINTS_MAX {
            self.beyond += points as u64;
        } else if points > 0 {
            self.points += points;
            self.all.push(part(all));
        }
    }
}

/// Adds an attribute, and of those that are too many one, which tells that there are.
pub(super) fn add_attribute<T>(attributes: &mut Vec<T>, one: T) {
    if attributes.len() <= ATTRIBUTES_MAX {
        attributes.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_many_points_and_for_whole_parts_alone() {
        let of = |count: usize| {
            let mut kept = Kept::default();
            (0..count).for_each(|point| kept.add(point));
            kept
        };
        let many = of(POINTS_MAX + 3);
        assert_eq!((many.all.len(), many.beyond), (POINTS_MAX, 3));
        let mut parts: Kept<Vec<usize>> = Kept::default();
        parts.absorb(of(0), |all| all);
        parts.absorb(of(POINTS_MAX - 5), |all| all);
        parts.absorb(of(6), |all| all);
        parts.absorb(of(5), |all| all);
        assert_eq!((parts.all.len(), parts.beyond), (2, 6));
    }
}
