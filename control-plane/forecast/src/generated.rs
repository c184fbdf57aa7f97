//! Series of known kinds, generated from a seed, on which forecasts are measured.

use serde::{Deserialize, Serialize};

use serin_random::Random;

/// Steps of a season in [`Shape::Seasonal`].
pub const PERIOD: usize = 48;

/// What a series is made of.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A constant, 100, and noise that remembers half of itself: AR(1) with φ = 0.5, sd 5.
    Stationary,
    /// A line that rises or falls by 0.1 to 0.5 a step from 100, a random walk (sd 0.3 a step) and noise (sd 2).
    Trending,
    /// Two waves within [`PERIOD`] steps (10 and 4 high), around 50, and noise like [`Self::Stationary`] of sd 2.
    Seasonal,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stationary, Self::Trending, Self::Seasonal];

    /// A series of `length` values.
    pub fn series(self, seed: u64, length: usize) -> Vec<f64> {
        let mut random = Random::seeded(seed ^ ((self as u64 + 1) << 56));
        match self {
            Self::Stationary => {
                let mut noise = Remembering::new(0.5, 5.0);
                (0..length).map(|_| 100.0 + noise.next(&mut random)).collect()
            }
            Self::Trending => {
                let side = if random.unit() < 0.5 { -1.0 } else { 1.0 };
                let slope = side * (0.1 + 0.4 * random.unit());
                let mut level = 100.0;
                (0..length)
                    .map(|_| {
                        level += slope + 0.3 * random.normal();
                        level + 2.0 * random.normal()
                    })
                    .collect()
            }
            Self::Seasonal => {
                let (start, second) = (random.unit(), random.unit());
                let mut noise = Remembering::new(0.5, 2.0);
                (0..length)
                    .map(|step| {
                        let turn = step as f64 / PERIOD as f64;
                        let wave = |turns: f64| libm::sin(std::f64::consts::TAU * turns);
                        50.0 + 10.0 * wave(turn + start)
                            + 4.0 * wave(2.0 * turn + second)
                            + noise.next(&mut random)
                    })
                    .collect()
            }
        }
    }
}

/// Noise with memory, AR(1), that starts as it goes on.
#[derive(Clone, Debug)]
pub(crate) struct Remembering {
    memory: f64,
    sd: f64,
    value: Option<f64>,
}

impl Remembering {
    pub(crate) fn new(memory: f64, sd: f64) -> Self {
        Self { memory, sd, value: None }
    }

    pub(crate) fn next(&mut self, random: &mut Random) -> f64 {
        let new = self.sd * random.normal();
        let value = match self.value {
            Some(value) => self.memory * value + (1.0 - self.memory * self.memory).sqrt() * new,
            None => new,
        };
        self.value = Some(value);
        value
    }
}
